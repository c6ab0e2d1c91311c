"""What a ztunnel knows, read from its config dump: workloads, services and policies. All ztunnels know the same.

ztunnel: src/state.rs, src/state/{workload,service}.rs.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from simulator.model.own_ports import HBONE_PORT
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

_UNKNOWN = ProxyId("ztunnel", "istio-system")
_PLACES = {"Region": "region", "Zone": "zone", "Subzone": "subzone"}
_OWN = {"Node": "node", "Cluster": "clusterId", "Network": "network"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One workload that a connection may go to, and where."""

    workload: Json
    address: str
    port: int

    @property
    def takes_hbone(self) -> bool:
        """Tell whether a ztunnel or a proxy terminates tunnels for it."""
        return bool(self.workload.get("protocol") == "HBONE")


class Ztunnel:
    """The state of ztunnels, looked up by address and by name."""

    def __init__(self, document: Json) -> None:
        self._document = document

    @classmethod
    def read(cls, document: Any) -> Self:
        """Read ztunnel's `/config_dump`; raises ValueError for a document of another shape."""
        if not isinstance(document, dict) or not isinstance(document.get("workloads"), list):
            raise ValueError("no config dump of a ztunnel: it has no workloads")
        return cls(document)

    def __repr__(self) -> str:
        return f"Ztunnel({len(self.resources['workloads'])} workloads)"

    @cached_property
    def _by_address(self) -> Mapping[str, Json]:
        return {ip: each for each in self.resources["workloads"] for ip in each.get("workloadIps") or ()}

    @cached_property
    def _by_uid(self) -> Mapping[str, Json]:
        return {each.get("uid", ""): each for each in self.resources["workloads"]}

    @cached_property
    def _by_virtual_address(self) -> Mapping[str, Sequence[Json]]:
        found: dict[str, list[Json]] = {}
        for each in self.resources["services"]:
            for vip in each.get("vips") or ():
                found.setdefault(vip.rpartition("/")[2], []).append(each)
        return found

    @cached_property
    def _by_host(self) -> Mapping[str, Json]:
        return {
            f"{each.get('namespace')}/{each.get('hostname')}": each for each in self._document.get("services") or ()
        }

    @cached_property
    def resources(self) -> Mapping[str, Sequence[Json]]:
        """What it holds by kind: workloads, services, policies."""
        return {kind: tuple(self._document.get(kind) or ()) for kind in ("workloads", "services", "policies")}

    def workload_at(self, address: str) -> Json | None:
        """Return the workload that has an address."""
        return self._by_address.get(address)

    def service_at(self, address: str, namespace: str) -> Json | None:
        """Return the service that has a virtual address: of several that of `namespace`, else the canonical one."""
        found = self._by_virtual_address.get(address, ())
        return max(
            found, key=lambda each: (each.get("namespace") == namespace, bool(each.get("canonical"))), default=None
        )

    def names(self, namespace: str) -> Mapping[str, tuple[str, ...]]:
        """Return the hosts that ztunnel's DNS answers for, and their addresses; of several, that of `namespace`."""
        found: dict[str, tuple[str, ...]] = {}
        for each in sorted(self.resources["services"], key=lambda one: one.get("namespace") == namespace):
            if addresses := tuple(vip.rpartition("/")[2] for vip in each.get("vips") or ()):
                found[each.get("hostname", "")] = addresses
        return found

    def carrier(self, addresses: Sequence[str]) -> ProxyId:
        """Return the ztunnel on the node of the workload that has one of the addresses."""
        workload = next((self._by_address[one] for one in addresses if one in self._by_address), {})
        for each in self.resources["workloads"]:
            if each.get("workloadName") == "ztunnel" and each.get("node") == workload.get("node"):
                return ProxyId(each.get("name", ""), each.get("namespace", ""))
        return _UNKNOWN

    def policies(self, workload: Json) -> Iterator[Json]:
        """Yield the policies that hold for a workload: its own, its namespace's and the mesh's."""
        own = set(workload.get("authorizationPolicies") or ())
        for each in self.resources["policies"]:
            scope = each.get("scope")
            everywhere = scope == "Global" or (scope == "Namespace" and each["namespace"] == workload["namespace"])
            if not each.get("dryRun") and (everywhere or policy_key(each) in own):
                yield each

    def bound(self, policy: str) -> list[Json]:
        """Return the workloads that a policy, `namespace/name`, holds for."""
        workloads = self.resources["workloads"]
        return [each for each in workloads if any(policy_key(one) == policy for one in self.policies(each))]

    def serving(self, uids: Set[str]) -> list[Json]:
        """Return the services that lead to one of the workloads."""
        return [each for each in self.resources["services"] if uids & (each.get("endpoints") or {}).keys()]

    def reached_through(self, addresses: Set[str]) -> list[Json]:
        """Return the services whose waypoint is a workload with one of the addresses."""
        return [
            each
            for each in self.resources["services"]
            if "waypoint" in each and any(one.address in addresses for one in self.gateway(each["waypoint"], {}))
        ]

    def gateway(self, reference: Json, client: Json) -> list[Upstream]:
        """Return the workloads behind the waypoint that a service or workload names; empty when there are none."""
        port = int(reference.get("hboneMtlsPort") or HBONE_PORT)
        destination = str(reference.get("destination", ""))
        address = destination.rpartition("/")[2]
        if (workload := self._by_address.get(address)) is not None:
            return [Upstream(workload=workload, address=address, port=port)]
        service = self._by_host.get(destination) or self.service_at(address, "")
        return self.upstreams(service, port, client) if service is not None else []

    def upstreams(self, service: Json, port: int, client: Json) -> list[Upstream]:
        """Return the workloads that a port of a service may lead to, the preferred ones where it prefers some."""
        found = []
        usual = int((service.get("ports") or {}).get(str(port)) or 0)
        for endpoint in (service.get("endpoints") or {}).values():
            workload = self._by_uid.get(endpoint.get("workloadUid", ""))
            target = int((endpoint.get("port") or {}).get(str(port)) or 0) or usual
            address = _address(workload)
            if workload is not None and target and address and endpoint.get("status", "Healthy") == "Healthy":
                found.append(Upstream(workload=workload, address=address, port=target))
        return _preferred(found, service.get("loadBalancer") or {}, client)


def policy_key(policy: Json) -> str:
    """Return the name that workloads call a policy by, `namespace/name`."""
    return f"{policy.get('namespace', '')}/{policy.get('name', '')}"


def identity(workload: Json) -> str:
    """Return the SPIFFE identity of a workload."""
    domain = workload.get("trustDomain") or "cluster.local"
    return f"spiffe://{domain}/ns/{workload.get('namespace', '')}/sa/{workload.get('serviceAccount', 'default')}"


def _address(workload: Json | None) -> str:
    if workload is None:
        return ""
    return next(iter(workload.get("workloadIps") or ()), "") or str(workload.get("hostname") or "")


def _preferred(found: list[Upstream], balancing: Json, client: Json) -> list[Upstream]:
    """Keep the workloads that share most with the client, in the order in which the service names what counts."""
    preferences, mode = balancing.get("routingPreferences") or (), balancing.get("mode")
    if not preferences or mode == "Standard":
        return found
    ranks = [_rank(each.workload, client, preferences) for each in found]
    best = len(preferences) if mode == "Strict" else max(ranks, default=0)
    return [each for each, rank in zip(found, ranks, strict=True) if rank == best]


def _rank(workload: Json, client: Json, preferences: Sequence[str]) -> int:
    for rank, scope in enumerate(preferences):
        if _scope(workload, scope) != _scope(client, scope):
            return rank
    return len(preferences)


def _scope(workload: Json, scope: str) -> Any:
    if scope in _PLACES:
        return (workload.get("locality") or {}).get(_PLACES[scope], "")
    return workload.get(_OWN.get(scope, ""), "")
