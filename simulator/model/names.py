"""Names: host names, and the cluster and listener names that istiod derives from them.

istiod: pilot/pkg/model/push_context.go (BuildSubsetKey), pilot/pkg/model/config.go (ResolveShortnameToFQDN).
"""

from typing import NamedTuple, Self

DOMAIN = "cluster.local"
BLACK_HOLE = "BlackHoleCluster"
PASSTHROUGH = "PassthroughCluster"
INBOUND_PASSTHROUGH = "InboundPassthroughCluster"


class ClusterName(NamedTuple):
    """`outbound|80|v1|web.shop.svc.cluster.local`; an inbound name has neither subset nor host."""

    direction: str
    port: int
    subset: str
    host: str

    def __str__(self) -> str:
        return f"{self.direction}|{self.port}|{self.subset}|{self.host}"

    @property
    def dns_san(self) -> str:
        """The SNI-safe spelling, `outbound_.80_.v1_.host`."""
        return f"{self.direction}_.{self.port}_.{self.subset}_.{self.host}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a cluster name in either spelling; None when it is not one of istiod's."""
        parts = text.split("|") if "|" in text else text.split("_.", 3)
        if len(parts) != 4 or not parts[1].isdigit():
            return None
        return cls(parts[0], int(parts[1]), parts[2], parts[3])


def outbound(*, port: int, subset: str = "", host: str) -> str:
    """Name the outbound cluster of a service port."""
    return f"outbound|{port}|{subset}|{host}"


def inbound(port: int) -> str:
    """Name the inbound cluster of a workload port."""
    return f"inbound|{port}||"


def service_host(*, name: str, namespace: str, domain: str = DOMAIN) -> str:
    """Return the host of a Kubernetes service."""
    return f"{name}.{namespace}.svc.{domain}"


def resolve_short_name(host: str, *, namespace: str, domain: str = DOMAIN) -> str:
    """Expand a host without dots to the service of that name in `namespace`; any other host is its own."""
    if not host or "." in host or host.startswith("*"):
        return host
    return service_host(name=host, namespace=namespace, domain=domain)


def host_matches(pattern: str, host: str) -> bool:
    """Tell whether two hosts, either of which may start with `*`, have a name in common.

    istiod: pkg/config/host/name.go (Matches).
    """
    if pattern.startswith("*"):
        if host.startswith("*"):
            shorter, longer = sorted((pattern[1:], host[1:]), key=len)
            return longer.endswith(shorter)
        return host.endswith(pattern[1:])
    return pattern.endswith(host[1:]) if host.startswith("*") else pattern == host


def host_subset_of(host: str, pattern: str) -> bool:
    """Tell whether every name that `host` stands for is one of `pattern`'s.

    istiod: pkg/config/host/name.go (SubsetOf).
    """
    if host.startswith("*"):
        return pattern.startswith("*") and host[1:].endswith(pattern[1:])
    return host.endswith(pattern[1:]) if pattern.startswith("*") else host == pattern


def more_specific(host: str) -> tuple[bool, int, str]:
    """Sort key that puts exact hosts first, then longer wildcards, then by name.

    istiod: pkg/config/host/name.go (MoreSpecific).
    """
    return (host.startswith("*"), -len(host), host)
