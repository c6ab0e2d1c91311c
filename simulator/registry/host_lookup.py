"""The most specific of many hosts that stands for a name.

istiod: pilot/pkg/model/config.go (MostSpecificHostMatch, ResolveShortnameToFQDN), pkg/config/host/name.go.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

from simulator.model.names import more_specific, resolve_short_name

T = TypeVar("T")


def qualified_host(host: str, *, namespace: str, domain: str) -> str:
    """Expand a short name; an IPv6 address has no dots and is complete nevertheless."""
    return host if ":" in host else resolve_short_name(host, namespace=namespace, domain=domain)


class HostMap(Generic[T]):
    """Values by host, exact or starting with `*`."""

    def __init__(self) -> None:
        self._exact: dict[str, T] = {}
        self._wildcard: dict[str, T] = {}

    def setdefault(self, host: str, value: T) -> T:
        """Return the value of a host, `value` if it has none yet."""
        return (self._wildcard if host.startswith("*") else self._exact).setdefault(host, value)

    def most_specific(self, host: str) -> T | None:
        """Return the value of the host itself, else of the longest wildcard around it."""
        exact: Mapping[str, T] = self._wildcard if host.startswith("*") else self._exact
        if host in exact:
            return exact[host]
        needle = host.removeprefix("*")
        around = [wildcard for wildcard in self._wildcard if needle.endswith(wildcard[1:])]
        return self._wildcard[min(around, key=more_specific)] if around else None
