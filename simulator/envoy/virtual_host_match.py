"""Which virtual host a request belongs to.

Exact domains come first, then the longest wildcard in front, then the longest behind, then `*`; what a wildcard stands
for is never empty. A route configuration with nothing but `*` does not look at the host at all.
Envoy: source/common/router/config_impl.cc (RouteMatcher::findVirtualHost).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from simulator.envoy.documents import children, flag, text, texts
from simulator.envoy.http_connection import port_start
from simulator.model.traces import Rejected
from simulator.model.wire import Json


@dataclass(slots=True)
class _Index:
    exact: dict[str, int] = field(default_factory=dict)
    suffixes: dict[str, int] = field(default_factory=dict)
    prefixes: dict[str, int] = field(default_factory=dict)
    default: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualHostMatch:
    """The chosen virtual host and its position; None when no domain fits."""

    virtual_host: Json | None
    index: int | None
    because: str
    rejected: tuple[Rejected, ...] = ()


class VirtualHosts:
    """The virtual hosts of one route configuration, indexed by domain."""

    def __init__(self, configuration: Json) -> None:
        self._hosts = children(configuration, "virtual_hosts")
        self._ignore_port = flag(configuration, "ignore_port_in_host_matching")
        self._index = _Index()
        for position, host in enumerate(self._hosts):
            for domain in texts(host, "domains"):
                self._add(domain.lower(), position)

    def _add(self, domain: str, position: int) -> None:
        index = self._index
        if domain == "*":
            index.default = position if index.default is None else index.default
        elif domain.startswith("*"):
            index.suffixes.setdefault(domain[1:], position)
        elif domain.endswith("*"):
            index.prefixes.setdefault(domain[:-1], position)
        else:
            index.exact.setdefault(domain, position)

    def match(self, authority: str | None) -> VirtualHostMatch:
        """Choose the virtual host for a Host header; None stands for a request without one."""
        index = self._index
        if not (index.exact or index.suffixes or index.prefixes):
            return self._found(index.default, "every host is taken: `*` is the only domain", "")
        if authority is None:
            return self._found(None, "the request names no host", "")
        start = port_start(authority) if self._ignore_port else None
        host = (authority if start is None else authority[:start]).lower()
        if host in index.exact:
            return self._found(index.exact[host], f"domain {host} is the host", host)
        suffix = _longest(index.suffixes, host, host.endswith)
        if suffix is not None:
            return self._found(index.suffixes[suffix], f"domain *{suffix} is the longest that covers {host}", host)
        prefix = _longest(index.prefixes, host, host.startswith)
        if prefix is not None:
            return self._found(index.prefixes[prefix], f"domain {prefix}* is the longest that covers {host}", host)
        return self._found(index.default, f"no domain covers {host}", host)

    def _found(self, position: int | None, because: str, host: str) -> VirtualHostMatch:
        rejected = tuple(self._near(host, position))
        if position is None:
            return VirtualHostMatch(virtual_host=None, index=None, because=because, rejected=rejected)
        return VirtualHostMatch(virtual_host=self._hosts[position], index=position, because=because, rejected=rejected)

    def _near(self, host: str, chosen: int | None) -> Iterator[Rejected]:
        """Yield the virtual hosts a reader could have expected: those that share the first label, and wildcards."""
        label = host.partition(".")[0]
        for position, other in enumerate(self._hosts):
            domains = texts(other, "domains")
            if position != chosen and any(
                d.startswith("*") or (label and d.partition(".")[0] == label) for d in domains
            ):
                yield Rejected(name=text(other, "name"), because=f"its domains are {_some(domains)}")


def _longest(patterns: dict[str, int], host: str, covers: Callable[[str], bool]) -> str | None:
    fitting = [pattern for pattern in patterns if len(pattern) < len(host) and covers(pattern)]
    return max(fitting, key=len, default=None)


def _some(domains: tuple[str, ...]) -> str:
    return ", ".join(domains[:3]) + (f" and {len(domains) - 3} more" if len(domains) > 3 else "")
