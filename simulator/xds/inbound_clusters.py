"""Inbound clusters: from a proxy to the ports of its own workload.

istiod: pilot/pkg/networking/core/cluster.go (buildInboundClusters), cluster_builder.go (buildInboundCluster).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.model import names
from simulator.model.ports import Port, parse_protocol
from simulator.model.proxies import ServiceTarget
from simulator.model.resources import ObjectRef
from simulator.model.services import Registry, Resolution, Service
from simulator.model.wire import Cluster, Json
from simulator.registry.scopes import SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client, ip_versions
from simulator.xds.cluster_draft import ClusterDraft, draft_cluster
from simulator.xds.connection_pool import apply_connection_pool
from simulator.xds.envoy_messages import address
from simulator.xds.stat_names import stat_name
from simulator.xds.static_clusters import bind_config
from simulator.xds.traffic_policy import rule_policy
from simulator.xds.view import ProxyView

NEVER = "9223372035s"
"""The longest duration; an inbound cluster's endpoints must not be cleaned up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A port of the workload: the services on it, oldest first, and where to send."""

    port: int
    targets: tuple[ServiceTarget, ...]
    bind: str = ""
    """Address to send to; empty for the one that the connection was going to."""
    bind_port: int = 0


def inbound_clusters(view: ProxyView, client: Client) -> tuple[Cluster, ...]:
    """Build the inbound clusters of a sidecar: from its services, or from the `ingress` of its Sidecar resource."""
    targets = tuple(view.snapshot.service_targets(view.proxy))
    ingress = tuple((view.scope.resource.spec.get("ingress") or ()) if view.scope.resource else ())
    applications: list[Application] = []
    merges = view.snapshot.flag("PILOT_ALLOW_SIDECAR_SERVICE_INBOUND_LISTENER_MERGE", default=False)
    captures = view.proxy.metadata.get("INTERCEPTION_MODE") != "NONE"
    if (not ingress and captures) or (ingress and merges):
        declared = {(entry.get("port") or {}).get("number") for entry in ingress}
        applications += [a for a in _from_services(view.snapshot, client, targets) if a.port not in declared]
    for entry in ingress:
        if application := _from_ingress(entry, view=view, targets=targets):
            applications.append(application)
    addresses = tuple(target for application in applications for target in application.targets)
    return view.shared(_build_all, tuple(applications), view.scope, client) if addresses or applications else ()


def _build_all(
    snapshot: Snapshot, applications: tuple[Application, ...], scope: SidecarScope, client: Client
) -> tuple[Cluster, ...]:
    return tuple(_build(snapshot, application, scope, client) for application in applications)


def _from_services(snapshot: Snapshot, client: Client, targets: Sequence[ServiceTarget]) -> list[Application]:
    mode = (snapshot.mesh.get("inboundTrafficPolicy") or {}).get("mode") or "PASSTHROUGH"
    bind = "" if mode == "PASSTHROUGH" else "127.0.0.1" if client.ipv4 else "::1"
    by_port: dict[int, list[ServiceTarget]] = {}
    for target in targets:
        by_port.setdefault(target.target_port, []).append(target)
    return [Application(port=port, targets=tuple(group), bind=bind, bind_port=port) for port, group in by_port.items()]


def _from_ingress(entry: Json, *, view: ProxyView, targets: Sequence[ServiceTarget]) -> Application | None:
    declared = entry.get("port") or {}
    number = int(declared.get("number") or 0)
    port = Port(name=declared.get("name") or "", number=number, protocol=parse_protocol(declared.get("protocol") or ""))
    place = _default_endpoint(entry.get("defaultEndpoint") or "", view.proxy.addresses)
    if place is None:
        return None
    real = next((target.service for target in targets if target.target_port == number), None)
    service = real or view.shared(_stand_in, view.scope)
    target = view.shared(_ingress_target, service, port, place[1])
    return Application(port=number, targets=(target,), bind=place[0], bind_port=place[1])


def _ingress_target(snapshot: Snapshot, service: Service, port: Port, number: int) -> ServiceTarget:
    return ServiceTarget(service=service, port=port, target_port=number)


def _stand_in(snapshot: Snapshot, scope: SidecarScope) -> Service:
    """Make up the service that names the stats of an `ingress` port which no service has."""
    name = scope.resource.name if scope.resource else ""
    return Service(
        host=f"{name}.{scope.namespace}",
        name=name,
        namespace=scope.namespace,
        registry=Registry.EXTERNAL,
        source=ObjectRef(kind="Sidecar", namespace=scope.namespace, name=name),
        ports=(),
        resolution=Resolution.CLIENT_SIDE_LB,
        mesh_external=True,
    )


def _default_endpoint(text: str, addresses: Sequence[str]) -> tuple[str, int] | None:
    """Return address and port of a `defaultEndpoint`; None when it is unreadable."""
    if not text or text.startswith("unix://"):
        return text, 0
    host, _, digits = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not digits.isdigit():
        return None
    versions = ip_versions(addresses)
    own = {
        4: next((a for a in addresses if ":" not in a), "127.0.0.1"),
        6: next((a for a in addresses if ":" in a), "::1"),
    }
    match host:
        case "0.0.0.0":
            return own[4], int(digits)
        case "::":
            return own[6], int(digits)
        case "127.0.0.1":
            return ("127.0.0.1" if 4 in versions else "::1"), int(digits)
        case "::1":
            return ("::1" if 6 in versions else "127.0.0.1"), int(digits)
    return "", int(digits)


def _build(snapshot: Snapshot, application: Application, scope: SidecarScope, client: Client) -> Cluster:
    primary = application.targets[0]
    discovery = "STATIC" if application.bind else "ORIGINAL_DST"
    name = names.inbound(application.port)
    draft = draft_cluster(snapshot, discovery=discovery, protocol=primary.port.protocol, client=client)
    draft.cluster.update({"name": name, "alt_stat_name": f"{name};"})
    if application.bind:
        endpoint = {"endpoint": {"address": address(application.bind, application.bind_port)}}
        draft.cluster["load_assignment"] = {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}
    else:
        draft.cluster["cleanup_interval"] = NEVER
        draft.cluster["lb_policy"] = "CLUSTER_PROVIDED"
        if primary.service.registry is Registry.EXTERNAL and _port_override(primary):
            draft.cluster["original_dst_lb_config"] = {"upstream_port_override": _port_override(primary)}
    if snapshot.flag("PILOT_ENABLE_TELEMETRY_LABEL", default=True):
        _add_metadata(draft, application.targets)
    if pattern := snapshot.mesh.get("inboundClusterStatName"):
        stats = stat_name(pattern, service=primary.service, port=primary.port, target_port=application.port)
        draft.cluster["alt_stat_name"] = f"{stats};"
    policy = _inbound_policy(application, scope, draft)
    pool = policy.get("connectionPool") or {}
    apply_connection_pool(snapshot, draft, pool=pool, retry_budget=policy.get("retryBudget"))
    if application.bind not in ("127.0.0.1", "::1"):
        extra = ("::6",) if client.dual_stack and snapshot.flag("ISTIO_DUAL_STACK", default=False) else ()
        draft.cluster["upstream_bind_config"] = bind_config("127.0.0.6" if client.ipv4 else "::6", *extra)
    return draft.finish()


def _inbound_policy(application: Application, scope: SidecarScope, draft: ClusterDraft) -> Json:
    """Return the limits on connections to the workload: those of the service's rule, overridden by the Sidecar's."""
    primary, policy = application.targets[0], {}
    rule = scope.destination_rule(primary.service.host, {}, inbound=True)
    if rule is not None and rule.spec.get("trafficPolicy") is not None:
        policy = dict(rule_policy(rule, primary.port.number) or {})
        if draft.istio_metadata:
            path = f"/apis/networking.istio.io/v1/namespaces/{rule.namespace}/destination-rule/{rule.name}"
            draft.istio_metadata["config"] = path
    spec = scope.resource.spec if scope.resource else {}
    pools = [
        entry.get("connectionPool")
        for entry in spec.get("ingress") or ()
        if (entry.get("port") or {}).get("number") == application.port
    ]
    pool = next((pool for pool in pools if pool is not None), spec.get("inboundConnectionPool"))
    if pool is not None:
        policy["connectionPool"] = pool
    return policy


def _add_metadata(draft: ClusterDraft, targets: Sequence[ServiceTarget]) -> None:
    if targets[0].service.mesh_external:
        return
    on_port = {t.service.host: t.service for t in reversed(targets) if t.port.number == targets[0].port.number}
    draft.istio_metadata["services"] = [
        {"host": service.host, "name": service.name, "namespace": service.namespace}
        for service in reversed(on_port.values())
    ]


def _port_override(target: ServiceTarget) -> int:
    declared = target.service.port(target.port.number)
    passes = target.service.resolution is Resolution.PASSTHROUGH
    return int(declared.target) if passes and declared and declared.target else 0
