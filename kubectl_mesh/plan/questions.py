"""Which requests to ask about: those that meet something that changed.

Every changed Envoy resource points at a host and a port: a route configuration at its virtual hosts, a cluster or its
endpoints at the service they are for, an inbound listener at the services behind it. The requests that stand for the
host's routes on either side are asked from one pod of every workload concerned.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kubectl_mesh.diagnosis.doors import Door
from kubectl_mesh.diagnosis.representatives import INBOUND, MOST, one_each, requests_of
from kubectl_mesh.plan.side import Side
from kubectl_mesh.plan.tunnels import tunnelled
from kubectl_mesh.reports.changes import ResourceChange
from simulator.model.directory import Workload
from simulator.model.names import ClusterName
from simulator.model.proxies import ProxyId, Role
from simulator.model.requests import Request, Wire
from simulator.model.wire import Json
from simulator.spaces.witnesses import domain_example

MOST_SENDERS = 40
"""Workloads that are asked one by one; of more, one of each namespace and set of routes stands for the rest."""
_ISTIOD = "istiod"
"""Label `app` of the control plane, which calls no service of the mesh."""
_CATCH_ALL = frozenset({"allow_any", "block_all", "blackhole:80"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Target:
    """A host whose traffic may have changed, and how clients get to it."""

    host: str
    door: Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request to ask on both sides. `sender` names a pod; a gateway's stands for clients outside."""

    sender: ProxyId
    request: Request


@dataclass(slots=True)
class Questions:
    """Collects the questions that a set of changes raises.

    `truncated` tells that a host had more requests than were made, `sampled` that workloads stand for others, `unasked`
    that what servers take from everybody changed, and that no client without a proxy is there to ask them.
    """

    before: Side
    after: Side
    truncated: bool = False
    sampled: bool = False
    unasked: bool = False
    _asked: set[tuple[ProxyId, Target]] = field(default_factory=set)

    @property
    def _sides(self) -> tuple[Side, Side]:
        return self.before, self.after

    def of(self, changes: Iterable[ResourceChange]) -> Iterator[Question]:
        """Yield each question once, in the order of the changes."""
        for change in changes:
            for sender, target in self._concerned(change):
                if (sender, target) in self._asked:
                    continue
                self._asked.add((sender, target))
                for request in self._requests(sender, target):
                    yield Question(sender=sender, request=request)

    def _requests(self, sender: ProxyId, target: Target) -> list[Request]:
        if self._carries_bytes(target):
            return [Request(host=target.host, port=target.door.port, wire=Wire.OPAQUE)]
        found = [
            witness
            for side in self._sides
            for witness in side.stand_ins.witnesses(sender, target.host, target.door.port)
        ]
        requests = requests_of(found, target.host, target.door)
        self.truncated = self.truncated or len(requests) == MOST
        return requests

    def _carries_bytes(self, target: Target) -> bool:
        """Tell whether clients of a port speak no HTTP, as far as any side declares it."""
        records = [side.directory.services.get(target.host) for side in self._sides]
        known = [record for record in records if record is not None and target.door.port in record.backends]
        return bool(known) and all(target.door.port in record.tcp_ports for record in known)

    def _concerned(self, change: ResourceChange) -> Iterator[tuple[ProxyId, Target]]:
        targets = dict.fromkeys(self._behind(change))
        if targets:
            everyone = self._everyone()
            self.unasked = self.unasked or not any(self._is_bare(sender) for sender in everyone)
            yield from ((sender, target) for sender in everyone for target in targets)
            return
        for sender in self._senders(change.proxies):
            yield from ((sender, target) for target in self._targets(change, sender))

    def _targets(self, change: ResourceChange, sender: ProxyId) -> Iterator[Target]:
        match change.kind:
            case "route":
                yield from self._changed_hosts(change.name, sender)
            case "cluster" | "endpoint":
                name = ClusterName.parse(change.name)
                if name is not None and name.direction == "outbound":
                    yield from self._leading_to(change.name, sender)
                    if not self._is_gateway(sender):
                        yield Target(host=name.host, door=Door.usual(name.port))
            case "listener":
                address, _, port = change.name.rpartition("_")
                for side in self._sides:
                    record = side.directory.service_at(address)
                    if record is not None and port.isdigit():
                        yield Target(host=record.host, door=Door.usual(int(port)))

    def _changed_hosts(self, name: str, sender: ProxyId) -> Iterator[Target]:
        old, new = (side.stand_ins.virtual_hosts(sender).get(name, {}) for side in self._sides)
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key) and key not in _CATCH_ALL:
                side = self.after if key in new else self.before
                yield from _target_of(side.stand_ins.door(sender, name), new.get(key) or old[key])

    def _leading_to(self, cluster: str, sender: ProxyId) -> Iterator[Target]:
        for side in self._sides:
            for name, hosts in side.stand_ins.virtual_hosts(sender).items():
                for host in hosts.values():
                    if _mentions(host.get("routes"), cluster):
                        yield from _target_of(side.stand_ins.door(sender, name), host)

    def _behind(self, change: ResourceChange) -> Iterator[Target]:
        """Yield what everybody may reach differently: services behind a server's proxy, a waypoint or a ztunnel."""
        if change.kind == "listener" and change.name == INBOUND:
            for proxy in change.proxies:
                yield from self._served(ProxyId.parse(proxy))
        for side in self._sides:
            for service in tunnelled(side, change):
                yield from (
                    Target(host=service["hostname"], door=Door.usual(int(port))) for port in service.get("ports") or ()
                )

    def _served(self, proxy: ProxyId) -> Iterator[Target]:
        for side in self._sides:
            workload = side.workload(proxy.name, proxy.namespace)
            for record in side.directory.services.values() if workload is not None else ():
                for port, backends in record.backends.items():
                    if workload is not None and any(one.address in workload.addresses for one in backends):
                        yield Target(host=record.host, door=Door.usual(port))

    def _everyone(self) -> list[ProxyId]:
        """Return one pod of every workload, those without a proxy included, but gateways and istiod."""
        workloads = self.before.directory.workloads
        return self._one_each(
            each for each in workloads if each.role is not Role.GATEWAY and each.labels.get("app") != _ISTIOD
        )

    def _senders(self, proxies: Iterable[str]) -> list[ProxyId]:
        found = [self.before.workload(each.name, each.namespace) for each in map(ProxyId.parse, proxies)]
        return self._one_each(each for each in found if each is not None)

    def _one_each(self, workloads: Iterable[Workload]) -> list[ProxyId]:
        """Return one pod of every workload; of many workloads, one for each namespace and set of routes."""
        found = [ProxyId(each.name, each.namespace) for each in one_each(workloads)]
        if len(found) <= MOST_SENDERS:
            return found
        self.sampled = True
        return list({(each.namespace, *self._routes(each)): each for each in reversed(found)}.values())[::-1]

    def _routes(self, proxy: ProxyId) -> Iterator[int]:
        """Yield what tells the routes of one proxy from another's: proxies that hold the same hold one object."""
        for side in self._sides:
            resources = side.resources(proxy).get("routes", ()) if proxy in side.proxies else ()
            yield from map(id, resources)

    def _is_bare(self, sender: ProxyId) -> bool:
        workload = self.before.workload(sender.name, sender.namespace)
        return workload is not None and workload.proxy is None and not workload.ambient

    def _is_gateway(self, proxy: ProxyId) -> bool:
        workload = self.before.workload(proxy.name, proxy.namespace)
        return workload is not None and workload.role is Role.GATEWAY


def _target_of(door: Door, virtual_host: Json) -> Iterator[Target]:
    domains = virtual_host.get("domains") or ()
    if door.port and domains:
        yield Target(host=domain_example(str(domains[0])), door=door)


def _mentions(node: object, cluster: str) -> bool:
    if isinstance(node, dict):
        return any(_mentions(value, cluster) for value in node.values())
    if isinstance(node, list):
        return any(_mentions(item, cluster) for item in node)
    return node == cluster
