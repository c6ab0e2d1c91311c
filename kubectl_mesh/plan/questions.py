"""Which requests to ask about: those that meet something that changed.

Every changed Envoy resource points at a host and a port: a route configuration at its virtual hosts, a cluster or its
endpoints at the service they are for, an inbound listener at the services behind it. Of the routes for that host on
either side, each gives requests that stand for it; they are asked from one pod of every workload concerned.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kubectl_mesh.plan.side import Side
from kubectl_mesh.reports.changes import ResourceChange
from simulator.model.directory import ServiceRecord, Workload
from simulator.model.names import ClusterName
from simulator.model.proxies import ProxyId, Role
from simulator.model.requests import Request, Tls, Wire
from simulator.model.wire import Json
from simulator.spaces.rules import rule_methods, rule_paths
from simulator.spaces.witnesses import Witness, crossed, domain_example, route_witnesses

_INBOUND = "virtualInbound"
_CATCH_ALL = frozenset({"allow_any", "block_all", "blackhole:80"})
MOST_WITNESSES = 60
"""Requests for one host and port; routes after that many are left out, and the report says so."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Target:
    """A host and port whose traffic may have changed. `bound` is a gateway's own port."""

    host: str
    port: int
    bound: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request to ask on both sides. `sender` names a pod; a gateway's stands for clients outside."""

    sender: ProxyId
    request: Request


@dataclass(slots=True)
class Questions:
    """Collects the questions that a set of changes raises."""

    before: Side
    after: Side
    truncated: bool = False
    _vhosts: dict[int, Mapping[str, Json]] = field(default_factory=dict)

    def of(self, changes: Iterable[ResourceChange]) -> Iterator[Question]:
        """Yield each question once, in a stable order."""
        wanted: dict[tuple[ProxyId, Target], None] = {}
        for change in changes:
            for sender, target in self._concerned(change):
                wanted[sender, target] = None
        for sender, target in sorted(wanted):
            for witness in self._witnesses(sender, target):
                yield Question(sender=sender, request=_request(witness, target))

    def _concerned(self, change: ResourceChange) -> Iterator[tuple[ProxyId, Target]]:
        if change.kind == "listener" and change.name == _INBOUND:
            targets = [target for proxy in change.proxies for target in self._served(ProxyId.parse(proxy))]
            yield from ((sender, target) for sender in self._everyone() for target in dict.fromkeys(targets))
            return
        for sender in self._one_each([ProxyId.parse(name) for name in change.proxies]):
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
                        yield Target(host=name.host, port=name.port)
            case "listener":
                address, _, port = change.name.rpartition("_")
                for side in (self.before, self.after):
                    record = side.directory.service_at(address)
                    if record is not None and port.isdigit():
                        yield Target(host=record.host, port=int(port))

    def _changed_hosts(self, name: str, sender: ProxyId) -> Iterator[Target]:
        old, new = (self._virtual_hosts(side, sender).get(name, {}) for side in (self.before, self.after))
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key) and key not in _CATCH_ALL:
                yield from self._target_of(name, new.get(key) or old[key], sender)

    def _leading_to(self, cluster: str, sender: ProxyId) -> Iterator[Target]:
        for side in (self.before, self.after):
            for name, hosts in self._virtual_hosts(side, sender).items():
                for host in hosts.values():
                    if _mentions(host.get("routes"), cluster):
                        yield from self._target_of(name, host, sender)

    def _target_of(self, configuration: str, virtual_host: Json, sender: ProxyId) -> Iterator[Target]:
        port = _port_of(configuration)
        domains = virtual_host.get("domains") or ()
        if port and domains:
            yield Target(host=domain_example(str(domains[0])), port=port, bound=self._is_gateway(sender))

    def _virtual_hosts(self, side: Side, proxy: ProxyId) -> Mapping[str, Mapping[str, Json]]:
        """Return route configuration → name → virtual host, for one proxy of one side."""
        if proxy not in side.proxies:
            return {}
        found = {}
        for configuration in side.resources(proxy).get("routes", ()):
            hosts = self._vhosts.get(id(configuration))
            if hosts is None:
                hosts = {host["name"]: host for host in configuration.get("virtual_hosts", ())}
                self._vhosts[id(configuration)] = hosts
            found[str(configuration["name"])] = hosts
        return found

    def _witnesses(self, sender: ProxyId, target: Target) -> list[Witness]:
        found: dict[Witness, None] = {}
        for side in (self.before, self.after):
            for name, hosts in self._virtual_hosts(side, sender).items():
                if _port_of(name) != target.port:
                    continue
                for host in hosts.values():
                    if any(domain_example(str(domain)) == target.host for domain in host.get("domains", ())):
                        found |= dict.fromkeys(_of_host(host, target.host))
        found |= dict.fromkeys(self._of_rules(target))
        found = dict.fromkeys(crossed(found))
        if not found:
            found[Witness(authority=target.host)] = None
        self.truncated = self.truncated or len(found) > MOST_WITNESSES
        return list(found)[:MOST_WITNESSES]

    def _of_rules(self, target: Target) -> Iterator[Witness]:
        """Yield requests for the paths and methods that authorization at the destination names."""
        for side in (self.before, self.after):
            record = side.directory.services.get(target.host)
            for proxy in _behind(side, record, target.port)[:1]:
                listeners = side.resources(proxy).get("listeners", ()) if proxy in side.proxies else ()
                rules = [rule for one in listeners if one["name"] == _INBOUND for rule in _rbac(one)]
                paths = [path for rule in rules for path in rule_paths(rule)] or ["/"]
                for method in ["GET", *(method for rule in rules for method in rule_methods(rule))] if rules else []:
                    yield from (Witness(authority=target.host, target=path, method=method) for path in paths)

    def _served(self, proxy: ProxyId) -> Iterator[Target]:
        for side in (self.before, self.after):
            workload = side.workload(proxy.name, proxy.namespace)
            for record in side.directory.services.values() if workload is not None else ():
                for port, backends in record.backends.items():
                    if workload is not None and any(one.address in workload.addresses for one in backends):
                        yield Target(host=record.host, port=port)

    def _everyone(self) -> list[ProxyId]:
        """Return one pod of every workload, those without a proxy included, but gateways."""
        workloads = [each for each in self.before.directory.workloads if each.role is not Role.GATEWAY]
        return _representatives(workloads)

    def _one_each(self, proxies: Iterable[ProxyId]) -> list[ProxyId]:
        found = [self.before.workload(each.name, each.namespace) for each in proxies]
        return _representatives([each for each in found if each is not None])

    def _is_gateway(self, proxy: ProxyId) -> bool:
        workload = self.before.workload(proxy.name, proxy.namespace)
        return workload is not None and workload.role is Role.GATEWAY


def _representatives(workloads: Iterable[Workload]) -> list[ProxyId]:
    first: dict[tuple[str, str], Workload] = {}
    for each in sorted(workloads, key=lambda each: (each.namespace, each.name)):
        first.setdefault((each.namespace, each.owner or each.name), each)
    return [ProxyId(each.name, each.namespace) for each in first.values()]


def _behind(side: Side, record: ServiceRecord | None, port: int) -> list[ProxyId]:
    backends = record.backends.get(port, ()) if record is not None else ()
    workloads = (side.directory.workload_at(one.address) for one in backends)
    return [each.proxy for each in workloads if each is not None and each.proxy is not None]


def _port_of(configuration: str) -> int:
    """Read the port in a name: `80`, `host:80`, `http.80` or `https.443.name.gateway.namespace`; 0 without."""
    for part in (configuration.rpartition(":")[2], *configuration.split(".")[1:2]):
        if part.isdigit():
            return int(part)
    return 0


def _mentions(node: object, cluster: str) -> bool:
    if isinstance(node, dict):
        return any(_mentions(value, cluster) for value in node.values())
    if isinstance(node, list):
        return any(_mentions(item, cluster) for item in node)
    return node == cluster


def _of_host(virtual_host: Json, authority: str) -> Iterator[Witness]:
    for route in virtual_host.get("routes", ()):
        yield from route_witnesses(route.get("match") or {}, authority)


def _rbac(node: object) -> Iterator[Json]:
    if isinstance(node, dict):
        if "policies" in node and isinstance(node["policies"], dict):
            yield node
        for value in node.values():
            yield from _rbac(value)
    elif isinstance(node, list):
        for item in node:
            yield from _rbac(item)


def _request(witness: Witness, target: Target) -> Request:
    encrypted = target.port == 443
    return Request(
        host=target.host,
        port=target.port,
        scheme="https" if encrypted else "http",
        authority=witness.authority if witness.authority != target.host else None,
        method=witness.method,
        target=witness.target,
        headers=witness.headers,
        wire=Wire.HTTP1,
        tls=Tls.SIMPLE if encrypted else Tls.NONE,
        sni=target.host if encrypted else "",
    )
