"""The ports on which a sidecar takes inbound connections: those of its services, or those of its Sidecar resource.

istiod: pilot/pkg/networking/core/listener_inbound.go (buildInboundChainConfigs), pilot/pkg/model/context.go
(CanBindToPort).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from simulator.model import names
from simulator.model.ports import Port, Protocol, parse_protocol
from simulator.model.resources import Resource
from simulator.model.services import Registry, Service
from simulator.model.wire import Json
from simulator.registry.policies import PeerAuthentication
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import config_metadata
from simulator.xds.listener_settings import ListenerSettings

_TERMINATED = {Protocol.HTTPS: Protocol.HTTP, Protocol.TLS: Protocol.TCP}


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundWorkload:
    """The facts of one workload that determine its inbound listeners."""

    targets: tuple[tuple[Service, Port, int], ...] = ()
    """Service, port and target port that the workload serves, oldest service first."""
    peer: PeerAuthentication = field(default_factory=PeerAuthentication)
    sidecar: Resource | None = None
    """The Sidecar resource, where it has ingress listeners."""
    tunnel_addresses: tuple[str, ...] = ()
    """Addresses of the workload where it takes tunnels (HBONE)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundPort:
    """One port of the workload; port 0 stands for all that no other names."""

    target: int
    number: int
    """The service port."""
    name: str
    protocol: Protocol
    cluster: str
    host: str = ""
    kubernetes: tuple[str, str] | None = None
    """Name and namespace of a Kubernetes service."""
    binds: tuple[str, ...] = ()
    bind_to_port: bool = False
    passthrough: bool = False
    hbone: bool = False
    """It comes out of a tunnel, whose own metadata tell who the peer is."""
    tls: Json | None = None
    metadata: Json | None = None

    @property
    def listener_name(self) -> str:
        """`0.0.0.0_8080`."""
        return f"{self.binds[0]}_{self.target}"


def inbound_ports(snapshot: Snapshot, settings: ListenerSettings, workload: InboundWorkload) -> list[InboundPort]:
    """Return the ports in ascending order; the first that claims a port has it."""
    merged = snapshot.flag("PILOT_ALLOW_SIDECAR_SERVICE_INBOUND_LISTENER_MERGE", default=False)
    found: dict[int, InboundPort] = {}
    if workload.sidecar is None:
        if settings.interception == "NONE":
            return []
        _claim(found, _service_ports(snapshot, settings, workload))
    else:
        entries = workload.sidecar.spec.get("ingress") or ()
        listed = {_number(entry) for entry in entries}
        if merged:
            _claim(found, (port for port in _service_ports(snapshot, settings, workload) if port.target not in listed))
        _claim(found, _sidecar_ports(snapshot, settings, workload.sidecar))
    return [found[port] for port in sorted(found)]


def _claim(found: dict[int, InboundPort], ports: Iterable[InboundPort]) -> None:
    for port in ports:
        found.setdefault(port.target, port)


def _number(entry: Json) -> int:
    return int((entry.get("port") or {}).get("number") or 0)


def _service_ports(snapshot: Snapshot, settings: ListenerSettings, workload: InboundWorkload) -> Iterable[InboundPort]:
    bind_to_port = settings.interception == "NONE"
    for service, port, target in workload.targets:
        bind = settings.wildcards[0]
        if can_bind(snapshot, settings, bind=bind, port=target, protocol=port.protocol, bind_to_port=bind_to_port):
            yield InboundPort(
                target=target,
                number=port.number,
                name=port.name,
                protocol=port.protocol,
                cluster=names.inbound(target),
                host=service.host,
                kubernetes=(service.name, service.namespace) if service.registry is Registry.KUBERNETES else None,
                binds=settings.wildcards,
                bind_to_port=bind_to_port,
            )


def _sidecar_ports(snapshot: Snapshot, settings: ListenerSettings, sidecar: Resource) -> Iterable[InboundPort]:
    for entry in sidecar.spec.get("ingress") or ():
        number, port, bind = _number(entry), entry.get("port") or {}, entry.get("bind") or ""
        protocol = parse_protocol(port.get("protocol") or "")
        mode = entry.get("captureMode") or "DEFAULT"
        bind_to_port = mode == "NONE" or (mode == "DEFAULT" and settings.interception == "NONE")
        if not can_bind(
            snapshot, settings, bind=bind, port=number, protocol=protocol, bind_to_port=bind_to_port, virtual=False
        ):
            continue
        tls = entry.get("tls") if snapshot.flag("ENABLE_TLS_ON_SIDECAR_INGRESS", default=False) else None
        own = (settings.unicast_address,) if settings.unicast_address else settings.wildcards
        yield InboundPort(
            target=number,
            number=number,
            name=port.get("name") or "",
            protocol=after_tls(protocol) if tls else protocol,
            cluster=names.inbound(number),
            host=f"{sidecar.name}.{sidecar.namespace}",
            binds=(bind,) if bind else own,
            bind_to_port=bind_to_port,
            tls=tls,
            metadata=config_metadata(
                api_version="networking.istio.io/v1", kind="Sidecar", namespace=sidecar.namespace, name=sidecar.name
            ),
        )


def after_tls(protocol: Protocol) -> Protocol:
    """Return what a connection speaks once its TLS is terminated."""
    return _TERMINATED.get(protocol, protocol)


def can_bind(
    snapshot: Snapshot,
    settings: ListenerSettings,
    *,
    bind: str,
    port: int,
    protocol: Protocol,
    bind_to_port: bool,
    virtual: bool = True,
) -> bool:
    """Tell whether a listener may have `bind`:`port`: not privileged, and not one that the proxy itself listens on.

    Without a bind, HTTP listens on every address. `virtual` counts the ports of the captured traffic as taken.
    """
    if bind_to_port and 0 < port < 1024 and settings.unprivileged:
        return False
    if bind != settings.wildcards[0] if bind else not protocol.is_http:
        return True
    mesh = snapshot.mesh
    taken = (settings.status_port, settings.prometheus_port)
    return port not in taken and not (virtual and port in (mesh["proxyListenPort"], mesh["proxyInboundListenPort"]))
