"""Where the destinations of a VirtualService lead on one proxy: the part of its routes that is not in the rule itself.

A destination becomes a cluster name through the services that the proxy sees, and gets the hash policy of the
DestinationRule that applies to the proxy. Resolving both first keeps the translation of the rule a function of little,
so that proxies which resolve alike share their routes.
istiod: pilot/pkg/networking/core/route/route.go (GetDestinationCluster, hashForVirtualService).
"""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.model.names import outbound
from simulator.model.services import Service
from simulator.model.wire import Json
from simulator.registry.scopes import DestinationRule
from simulator.xds.hash_policy import destination_hash

UNKNOWN_SERVICE = "UnknownService"


@dataclass(frozen=True, slots=True)
class Target:
    """One destination: its cluster, its consistent hash (`hash_policy` reads it) and its session affinity."""

    cluster: str
    hash: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class RuleTargets:
    """The destinations of one HTTP rule in order, and the clusters of its mirrors."""

    destinations: tuple[Target, ...] = ()
    mirrors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """How destinations resolve on one listener or gateway server."""

    port: int
    service: Callable[[str], Service | None]
    single_port: Callable[[Service], int | None]
    """The port that a destination without one means; None when the service does not tell."""
    rule: Callable[[str], DestinationRule | None]
    """The DestinationRule of a host, where it hashes consistently."""
    session: Callable[[Service | None], str]

    def rule_targets(self, http: Json) -> RuleTargets:
        """Resolve all destinations of an HTTP rule."""
        mirrors = [http["mirror"]] if http.get("mirror") else []
        mirrors += [mirror.get("destination") or {} for mirror in http.get("mirrors") or ()]
        return RuleTargets(
            tuple(self._target(route.get("destination") or {}) for route in http.get("route") or ()),
            tuple(self._cluster(destination) for destination in mirrors),
        )

    def _target(self, destination: Json) -> Target:
        host = destination.get("host") or ""
        rule = self.rule(host)
        hashed = destination_hash(rule, destination) if rule is not None else ""
        return Target(self._cluster(destination), hashed, self.session(self.service(host)))

    def _cluster(self, destination: Json) -> str:
        service = self.service(destination.get("host") or "")
        only_port = self.single_port(service) if service else None
        return destination_cluster(destination, service, self.port if only_port is None else only_port)


def destination_cluster(destination: Json, service: Service | None, port: int) -> str:
    """Name the cluster of a destination; `port` is meant where it names none.

    An alias leads to the service it stands for. A destination without host is a reference that did not resolve.
    """
    host = destination.get("host") or ""
    if not host:
        return UNKNOWN_SERVICE
    if service is not None and service.external_name:
        host = service.external_name
    if destination.get("port"):
        port = int(destination["port"].get("number") or 0)
    return outbound(port=port, subset=destination.get("subset") or "", host=host)
