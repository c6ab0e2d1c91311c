"""LDS: the listeners of a proxy (istiod: pilot/pkg/networking/core/listener.go, BuildListeners).

What many proxies have in common is built once: the plan of a scope's outbound listeners and those without HTTP for
every class of proxies, connection managers for every workload, inbound listeners for every workload's ports.
"""

from simulator.model.proxies import Role
from simulator.model.wire import Listener
from simulator.registry.policies import AuthorizationPolicies
from simulator.registry.scopes import SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.gateway_listeners import gateway_listeners
from simulator.xds.inbound import inbound_listeners
from simulator.xds.inbound_ports import InboundWorkload
from simulator.xds.listener_context import WorkloadPolicies
from simulator.xds.listener_settings import ListenerSettings, global_unicast, listener_settings, trace_identity
from simulator.xds.outbound import outbound_listeners, tcp_listeners
from simulator.xds.outbound_destinations import is_dynamic_wildcard
from simulator.xds.outbound_entries import headless_addresses, outbound_plan
from simulator.xds.view import ProxyView


def build_listeners(view: ProxyView) -> tuple[Listener, ...]:
    """Generate the listeners of a proxy, in the order in which istiod sends them."""
    if view.proxy.role is Role.GATEWAY:
        return _gateway(view)
    if view.proxy.role is not Role.SIDECAR or not view.snapshot.mesh.get("proxyListenPort"):
        return ()
    return (*_outbound(view), *_inbound(view))


def label_keys(snapshot: Snapshot, scope: SidecarScope) -> frozenset[str]:
    """Return the label keys that rules for TCP of a scope select proxies on."""
    rules = [rule for rules in scope.destination_rules.values() for rule in rules]
    routes = [
        match
        for egress in scope.egress
        for virtual_service in egress.virtual_services
        for kind in ("tcp", "tls")
        for route in virtual_service.spec.get(kind) or ()
        for match in route.get("match") or ()
    ]
    selected = {key for rule in rules for key in rule.selector}
    return frozenset(selected.union(*(match.get("sourceLabels") or () for match in routes)))


def has_dynamic_wildcard(snapshot: Snapshot, scope: SidecarScope) -> bool:
    """Tell whether a scope has wildcard hosts that are resolved as they are dialled."""
    return any(is_dynamic_wildcard(service) for service in scope.services)


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
    scope, policies = view.scope, policies_of(view)
    own = view.proxy.addresses[0] if view.proxy.addresses else ""
    headless = view.shared(headless_addresses, scope)
    settings = _settings(view, keys=view.shared(label_keys, scope), unicast=own if own in headless else "")
    guarded = view.shared(has_dynamic_wildcard, scope)
    policies = WorkloadPolicies(
        authorization=policies.authorization if guarded else AuthorizationPolicies(),
        telemetries=policies.telemetries,
        extensions=policies.extensions,
    )
    plan = view.shared(outbound_plan, scope, settings, policies)
    common = view.shared(tcp_listeners, scope, settings, policies, plan)
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
    return view.shared(inbound_listeners, settings, policies_of(view), trace_identity(proxy), workload)


def _gateway(view: ProxyView) -> tuple[Listener, ...]:
    merged = view.snapshot.gateway(view.proxy)
    if merged is None:
        return ()
    settings = _settings(view, keys=frozenset(view.proxy.labels))
    identity = trace_identity(view.proxy)
    return view.shared(gateway_listeners, view.scope, settings, policies_of(view), identity, merged)
