"""Gateways that select a proxy, merged into the servers that its listeners are made of.

istiod: pilot/pkg/model/gateway.go (mergeGateways, resolvePorts, gatewayRDSRouteName), push_context.go (mergeGateways).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.labels import selects
from simulator.model.ports import Protocol, parse_protocol
from simulator.model.proxies import Proxy, ServiceTarget
from simulator.model.resources import ObjectRef, Resource
from simulator.model.wire import Json
from simulator.registry.policies import GatewayServer, MergedGateway, MergedServers

SERVICE_ANNOTATION = "internal.istio.io/gateway-service"
PARENT_NAMESPACE_ANNOTATION = "internal.istio.io/parent-namespace"
_NO_TRANSLATION = "experimental.istio.io/disable-gateway-port-translation"
_Key = tuple[int, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedGateway:
    """A Gateway that applies to a proxy, and the service ports through which it does."""

    gateway: Resource
    targets: Sequence[ServiceTarget]
    by_selector: bool
    """Chosen by labels: a port that no service has is bound as it is."""


def select_gateways(
    gateways: Sequence[Resource], proxy: Proxy, targets: Sequence[ServiceTarget], *, same_namespace: bool
) -> Sequence[SelectedGateway]:
    """Return the Gateways of a proxy: made for one of its services, or selecting its labels."""
    found = []
    for gateway in gateways:
        if same_namespace and gateway.namespace != proxy.namespace:
            continue
        if (hosts := gateway.annotations.get(SERVICE_ANNOTATION)) is not None:
            namespace = gateway.annotations.get(PARENT_NAMESPACE_ANNOTATION) or gateway.namespace
            known = frozenset(hosts.split(","))
            own = [one for one in targets if one.service.host in known and one.service.namespace == namespace]
            if own:
                found.append(SelectedGateway(gateway=gateway, targets=own, by_selector=False))
        elif selects(gateway.spec.get("selector") or {}, proxy.labels):
            found.append(SelectedGateway(gateway=gateway, targets=targets, by_selector=True))
    return found


def merge_gateways(selected: Sequence[SelectedGateway]) -> MergedGateway | None:
    """Merge Gateways, oldest first; a server that conflicts with an earlier one is left out."""
    if not selected:
        return None
    merging = _Merging()
    for one in selected:
        for position, entry in enumerate(one.gateway.spec.get("servers") or ()):
            if not (entry.get("port") or {}).get("number"):
                continue
            server = {**entry, "hosts": _plain_hosts(entry.get("hosts") or (), one.gateway.namespace)}
            for port in _ports(int(entry["port"]["number"]), one):
                merging.add(one.gateway, server, port=port, position=position)
    return merging.result()


def is_http(server: Json) -> bool:
    """Tell whether a server speaks HTTP, directly or after terminating TLS."""
    protocol = _protocol(server)
    return protocol.is_http or (protocol is Protocol.HTTPS and not is_passthrough(server))


def is_tls(server: Json) -> bool:
    """Tell whether a server has TLS settings that concern its connections, other than redirecting from HTTP."""
    return server.get("tls") is not None and not _protocol(server).is_http


def is_passthrough(server: Json) -> bool:
    """Tell whether a server leaves TLS to its destinations; that is the mode of TLS settings that name none."""
    tls = server.get("tls")
    return tls is not None and (tls.get("mode") or "PASSTHROUGH") in ("PASSTHROUGH", "AUTO_PASSTHROUGH")


def route_name(server: Json, *, port: int, gateway: Resource) -> str:
    """Name the route configuration of a server; nothing for a server that routes connections."""
    bind = f".{server['bind']}" if server.get("bind") else ""
    if _protocol(server).is_http:
        return f"http.{port}{bind}"
    if _protocol(server) is Protocol.HTTPS and not is_passthrough(server):
        declared = server["port"]
        return f"https.{declared['number']}.{declared.get('name') or ''}.{gateway.name}.{gateway.namespace}{bind}"
    return ""


def _protocol(server: Json) -> Protocol:
    return parse_protocol((server.get("port") or {}).get("protocol") or "")


def _plain_hosts(hosts: Sequence[str], namespace: str) -> list[str]:
    plain = []
    for entry in hosts:
        owner, slash, host = entry.partition("/")
        if slash and owner == ".":
            plain.append(f"{namespace}/{host}")
        elif slash and owner == "*":
            if host == "*":
                return ["*"]
            plain.append(host)
        else:
            plain.append(entry)
    return plain


def _ports(number: int, selected: SelectedGateway) -> Sequence[int]:
    """Translate a port through the services: to the first target by selector, to every target of a named service."""
    found: list[int] = []
    for target in selected.targets:
        if selected.by_selector and _NO_TRANSLATION in target.service.labels:
            continue
        if target.port.number == number:
            if selected.by_selector:
                return [target.target_port]
            found.append(target.target_port)
    return sorted(set(found)) or ([number] if selected.by_selector else [])


class _Merging:
    """Servers merged so far. The rules are not symmetric: what came first on a port decides."""

    def __init__(self) -> None:
        self._order: list[_Key] = []
        self._servers: dict[_Key, list[GatewayServer]] = {}
        self._routes: dict[_Key, str] = {}
        self._first_of_route: dict[str, GatewayServer] = {}
        self._used: set[int] = set()
        self._plain: dict[int, _Key] = {}
        self._tls_hosts: defaultdict[int, dict[str, tuple[str, Resource]]] = defaultdict(dict)
        self._auto_passthrough = False
        self._caveats: dict[tuple[str, int], Caveat] = {}

    def add(self, gateway: Resource, server: Json, *, port: int, position: int) -> None:
        """Add a server on the port it is bound to."""
        name = route_name(server, port=port, gateway=gateway)
        bind = server.get("bind") or ""
        sni_hosts: tuple[str, ...] = ()
        if server.get("tls") is not None:
            if taken := self._claim_hosts(server["hosts"], port=port, bind=bind, gateway=gateway):
                self._refuse(gateway, position, taken[0][1], f"{taken[0][0]} is taken on port {port} by a server")
                return
            sni_hosts = tuple(sorted({host.rpartition("/")[2] for host in server["hosts"]}))
            self._auto_passthrough |= (server["tls"] or {}).get("mode") == "AUTO_PASSTHROUGH"
        placed = GatewayServer(
            gateway=gateway, server=server, port=port, route_name=name, sni_hosts=sni_hosts, position=position
        )
        key = (port, server["port"].get("protocol") or "", bind)
        if port not in self._used:
            self._used.add(port)
            self._open(key, placed)
        elif (first := self._plain.get(port)) is not None:
            self._join_plain(first, key, placed)
        elif not is_tls(server):
            self._open(key, placed)
        else:
            self._join_tls(key, placed)

    def result(self) -> MergedGateway:
        """Return what was merged."""
        merged = tuple(
            MergedServers(
                port=key[0],
                protocol=key[1],
                bind=key[2],
                route_name=self._routes.get(key, ""),
                servers=tuple(self._servers[key]),
            )
            for key in self._order
        )
        by_port: defaultdict[int, tuple[GatewayServer, ...]] = defaultdict(tuple)
        for one in merged:
            by_port[one.port] += one.servers
        return MergedGateway(
            servers_by_port=dict(by_port),
            merged=merged,
            auto_passthrough=self._auto_passthrough,
            caveats=tuple(self._caveats.values()),
        )

    def _claim_hosts(
        self, hosts: Sequence[str], *, port: int, bind: str, gateway: Resource
    ) -> list[tuple[str, Resource]]:
        """Reserve hosts of a TLS server, or return those that are taken on the same address, and by whom."""
        known = self._tls_hosts[port]
        taken = [(host, known[host][1]) for host in hosts if host in known and known[host][0] == bind]
        if not taken:
            known.update(dict.fromkeys(hosts, (bind, gateway)))
        return taken

    def _refuse(self, gateway: Resource, position: int, first: Resource, reason: str) -> None:
        ref, path = _written(gateway, position)
        other, _ = _written(first, 0)
        message, kind = f"istiod leaves it out: {reason}", CaveatKind.INVALID
        if other != ref:
            message += f" of {other}"
            kind = CaveatKind.ORDER_DEPENDENT if first.created == gateway.created else kind
        rivals = (other, ref) if kind is CaveatKind.ORDER_DEPENDENT else ()
        caveat = Caveat(kind=kind, ref=ref, message=message, path=path, rivals=rivals)
        self._caveats.setdefault((f"{gateway.namespace}/{gateway.name}", position), caveat)

    def _open(self, key: _Key, placed: GatewayServer) -> None:
        """Start a new group of servers."""
        if not is_tls(placed.server):
            self._plain[placed.port] = key
        if is_http(placed.server):
            self._first_of_route[placed.route_name] = placed
        self._servers[key] = [placed]
        self._routes[key] = placed.route_name
        self._order.append(key)

    def _join_plain(self, first: _Key, key: _Key, placed: GatewayServer) -> None:
        same_bind = first[2] == key[2]
        if not same_bind:
            if key not in self._servers:
                self._open(key, placed)
                return
            self._routes[key] = placed.route_name
            self._append(key, placed)
        elif _mergeable(_protocol(placed.server), parse_protocol(first[1])) and placed.route_name:
            self._append(first, placed)
        else:
            self._refuse_port(placed, self._servers[first][0])

    def _refuse_port(self, placed: GatewayServer, first: GatewayServer) -> None:
        port, other = placed.server["port"], first.server["port"]
        given = f"{other.get('protocol')} ({other.get('name')})"
        reason = f"{port.get('protocol')} on port {placed.port} conflicts with {given}"
        self._refuse(placed.gateway, placed.position, first.gateway, reason)

    def _append(self, key: _Key, placed: GatewayServer) -> None:
        self._servers[key].append(placed)
        self._first_of_route.setdefault(placed.route_name, placed)

    def _join_tls(self, key: _Key, placed: GatewayServer) -> None:
        """Add a server told apart by SNI to a port that only such servers use."""
        if is_http(placed.server):
            if placed.route_name in self._first_of_route:
                self._refuse_port(placed, self._first_of_route[placed.route_name])
                return
            self._first_of_route[placed.route_name] = placed
        if key in self._servers:
            self._servers[key].append(placed)
        else:
            self._servers[key] = [placed]
            self._order.append(key)


def _written(gateway: Resource, position: int) -> tuple[ObjectRef, tuple[str | int, ...]]:
    """Return the resource that has the server, and where; each listener of the Gateway API is an Istio Gateway."""
    if SERVICE_ANNOTATION not in gateway.annotations:
        return gateway.ref, ("spec", "servers", position)
    name, _, listener = gateway.name.partition("~")
    kind = "ListenerSet" if PARENT_NAMESPACE_ANNOTATION in gateway.annotations else "Gateway"
    ref = ObjectRef(kind=kind, namespace=gateway.namespace, name=name)
    return ref, ("spec", "listeners", listener.rpartition("~")[2])


def _mergeable(protocol: Protocol, first: Protocol) -> bool:
    return first.is_http and (protocol.is_http or protocol is first)
