"""LDS: the listeners of a proxy (istiod: pilot/pkg/networking/core/listener.go, BuildListeners).

What many proxies have in common is built once: the plan of a scope's outbound listeners and those without HTTP for
every class of proxies, connection managers for every workload, inbound listeners for every workload's ports.
What only some roles need is imported by those.
"""

from dataclasses import replace

from simulator.model.addresses import is_address
from simulator.model.proxies import Proxy, Role
from simulator.model.services import Resolution, Service
from simulator.model.wire import Listener
from simulator.registry.policies import AuthorizationPolicies
from simulator.xds.inbound import inbound_listeners
from simulator.xds.inbound_ports import InboundWorkload
from simulator.xds.listener_context import WorkloadPolicies
from simulator.xds.listener_settings import (
    ListenerClass,
    ListenerSettings,
    global_unicast,
    listener_settings,
    trace_identity,
)
from simulator.xds.outbound import common_listeners, outbound_listeners
from simulator.xds.outbound_entries import outbound_plan
from simulator.xds.outbound_scope import outbound_scope, scope_content, scope_keys
from simulator.xds.tunnels import sends_tunnels, takes_tunnels, tunnels_twice
from simulator.xds.view import ProxyView


def build_listeners(view: ProxyView) -> tuple[Listener, ...]:
    """Generate the listeners of a proxy, in the order in which istiod sends them."""
    if view.proxy.role is Role.GATEWAY:
        return (*_gateway(view), *_tunnels(view, ListenerClass.GATEWAY))
    if view.proxy.role is Role.WAYPOINT:
        return _waypoint(view)
    if view.proxy.role is not Role.SIDECAR or not view.snapshot.mesh.get("proxyListenPort"):
        return ()
    return (*_outbound(view), *_inbound(view), *_tunnels(view, ListenerClass.OUTBOUND))


def policies_of(view: ProxyView) -> WorkloadPolicies:
    """Collect the resources that select a proxy's workload."""
    snapshot, proxy = view.snapshot, view.proxy
    return WorkloadPolicies(
        authorization=snapshot.authorization(proxy.namespace, proxy.labels),
        authentication=tuple(snapshot.request_authentications(proxy.namespace, proxy.labels)),
        telemetries=tuple(snapshot.telemetries(proxy.namespace, proxy.labels)),
        extensions=tuple(snapshot.extensions(proxy)),
    )


def _settings(view: ProxyView, *, keys: frozenset[str], unicast: str = "") -> ListenerSettings:
    labels = {key: view.proxy.labels[key] for key in sorted(keys) if key in view.proxy.labels}
    return listener_settings(view.snapshot, view.proxy, labels=labels, unicast=unicast)


def _outbound(view: ProxyView) -> tuple[Listener, ...]:
    policies = policies_of(view)
    keys = view.shared(scope_keys, view.scope)
    own = view.proxy.addresses[0] if view.proxy.addresses else ""
    settings = _settings(view, keys=keys.labels, unicast=own if own in keys.addresses else "")
    content = view.shared(scope_content, view.scope, settings.labels)
    if not content.namespaced and not policies.extensions:
        settings = replace(settings, namespace="")
    guard = policies.authorization if content.dynamic else AuthorizationPolicies()
    policies = WorkloadPolicies(authorization=guard, telemetries=policies.telemetries, extensions=policies.extensions)
    scope = view.shared(outbound_scope, content)
    plan = view.shared(outbound_plan, scope, settings, policies)
    common = view.shared(common_listeners, scope, settings, policies, plan)
    return view.shared(outbound_listeners, scope, settings, policies, plan, common, trace_identity(view.proxy))


def _inbound(view: ProxyView) -> tuple[Listener, ...]:
    snapshot, proxy = view.snapshot, view.proxy
    sidecar = view.scope.resource
    if sidecar is not None and not sidecar.spec.get("ingress"):
        sidecar = None
    workload = InboundWorkload(
        targets=tuple((target.service, target.port, target.target_port) for target in snapshot.service_targets(proxy)),
        peer=snapshot.peer_authentication(proxy.namespace, proxy.labels),
        sidecar=sidecar,
    )
    settings = _settings(view, keys=frozenset(), unicast=global_unicast(proxy) if sidecar is not None else "")
    policies, identity = policies_of(view), trace_identity(proxy)
    listeners = view.shared(inbound_listeners, settings, policies, identity, workload)
    if not takes_tunnels(snapshot, proxy):
        return listeners
    from simulator.xds.hbone_listeners import tunnel_listeners

    workload = replace(workload, tunnel_addresses=proxy.addresses)
    return (*listeners, *view.shared(tunnel_listeners, settings, policies, identity, workload))


def _tunnels(view: ProxyView, cls: ListenerClass) -> tuple[Listener, ...]:
    """Return the listener by which a proxy opens tunnels, where the mesh has any."""
    if not sends_tunnels(view.snapshot, view.proxy):
        return ()
    from simulator.xds.hbone_listeners import connect_originate

    policies = WorkloadPolicies(telemetries=policies_of(view).telemetries)
    settings = replace(_settings(view, keys=frozenset()), namespace="")
    return (view.shared(connect_originate, settings, policies, cls),)


def _gateway(view: ProxyView) -> tuple[Listener, ...]:
    merged = view.snapshot.gateway(view.proxy)
    if merged is None:
        return ()
    from simulator.xds.gateway_listeners import gateway_listeners

    settings, policies = _settings(view, keys=frozenset(view.proxy.labels)), policies_of(view)
    identity = trace_identity(view.proxy)
    listeners = view.shared(gateway_listeners, view.scope, settings, policies, identity, merged)
    if not merged.merged or not tunnels_twice(view.snapshot, view.proxy):
        return listeners
    from simulator.xds.hbone_listeners import double_originate

    return (*listeners, *view.shared(double_originate, settings, policies, view.proxy.network))


def _waypoint(view: ProxyView) -> tuple[Listener, ...]:
    from simulator.xds.waypoint_listeners import WaypointWorkload, waypoint_listeners

    services, addresses = attached_services(view), attached_addresses(view)
    workload = WaypointWorkload(
        services=services,
        addresses=addresses,
        policies=_waypoint_policies(view, None),
        service_policies=tuple(_waypoint_policies(view, service) for service in services),
        termination=policies_of(view),
        network=view.proxy.network,
        tells_identity=_tells_identity(view.proxy),
    )
    settings = _settings(view, keys=frozenset(view.proxy.labels))
    return view.shared(waypoint_listeners, view.scope, settings, trace_identity(view.proxy), workload)


def attached_services(view: ProxyView) -> tuple[Service, ...]:
    """Return the services that a waypoint serves, in istiod's order."""
    snapshot = view.snapshot
    found = []
    for one in snapshot.ambient.services_of(snapshot.service_targets(view.proxy)):
        service = snapshot.services_of_host(one.host).get(one.source.namespace)
        if service is not None and (service.resolution is not Resolution.DYNAMIC_DNS or service.mesh_external):
            found.append(service)
    return tuple(sorted(found, key=lambda service: (service.created, service.name, service.namespace)))


def attached_addresses(view: ProxyView) -> tuple[str, ...]:
    """Return the addresses of the workloads whose own traffic a waypoint takes."""
    snapshot = view.snapshot
    found: list[str] = []
    for workload in snapshot.ambient.workloads_of(snapshot.service_targets(view.proxy)):
        several = [entry["ip"] for entry in workload.status.get("podIPs") or ()]
        own = workload.status.get("podIP") if workload.kind == "Pod" else workload.spec.get("address")
        found += several or ([own] if own and is_address(own) else [])
    return tuple(found)


def _waypoint_policies(view: ProxyView, service: Service | None) -> WorkloadPolicies:
    snapshot, proxy = view.snapshot, view.proxy
    own = (proxy.namespace, proxy.labels)
    return WorkloadPolicies(
        authorization=snapshot.authorization(*own, waypoint=True, service=service),
        authentication=tuple(snapshot.request_authentications(*own, waypoint=True, service=service)),
        telemetries=tuple(snapshot.telemetries(*own, waypoint=True, service=service)),
        extensions=tuple(snapshot.extensions(proxy, *([service] if service is not None else []))),
    )


def _tells_identity(proxy: Proxy) -> bool:
    annotations = proxy.metadata.get("ANNOTATIONS") or proxy.annotations
    return str(annotations.get("ambient.istio.io/xfcc-include-client-identity", "")).lower() == "true"
