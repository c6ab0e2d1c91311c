"""Which proxies, and which sections of their configuration, does an object affect that is not named in them?

istiod: pilot/pkg/model (sidecar.go, envoyfilter.go, authentication.go, telemetry.go, gateway.go). The effect of
such an object cannot be separated from the rest, so whole sections are compared.
"""

from collections.abc import Callable

from kubectl_mesh.diagnosis.lookup import Lookup, name_of, namespace_of, selector, spec
from kubectl_mesh.diagnosis.pod_policies import Subject, applies, subject, targets
from simulator.model.labels import GATEWAY_NAME, selects
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

_LISTENERS = ("ListenersConfigDump",)
_ALL = ("ClustersConfigDump", "RoutesConfigDump", "ListenersConfigDump")
SHAPES = {
    "Gateway": ("RoutesConfigDump", "ListenersConfigDump"),
    "Sidecar": _ALL,
    "EnvoyFilter": _ALL,
    "PeerAuthentication": _LISTENERS,
    "RequestAuthentication": _LISTENERS,
    "Telemetry": _LISTENERS,
    "WasmPlugin": _LISTENERS,
}
"""Kind → the sections of a config dump that its objects affect."""
WORDS = {"ClustersConfigDump": "clusters", "RoutesConfigDump": "virtual hosts", "ListenersConfigDump": "listeners"}
_BY_NAMESPACE = ("PeerAuthentication", "Sidecar", "Telemetry")
"""Kinds whose objects apply to a whole namespace without a selector, and to the selected workloads with one."""
Selects = Callable[[ProxyId], bool]


def selection(lookup: Lookup, resource: Json, *, kind: str) -> Selects:
    """Return a test of whether an object selects a proxy, by the labels of its pod."""
    chooses = _of_workloads(lookup, resource, kind)

    def selected(proxy: ProxyId) -> bool:
        pod = lookup.get("Pod", proxy.namespace, proxy.name)
        return pod is not None and chooses(subject(lookup, pod))

    return selected


def _of_workloads(lookup: Lookup, resource: Json, kind: str) -> Callable[[Subject], bool]:
    home, body, wanted = namespace_of(resource), spec(resource), selector(resource)
    root = lookup.root_namespace
    if kind == "Gateway" and "gatewayClassName" in body:
        return lambda one: one.namespace == home and one.labels.get(GATEWAY_NAME) == name_of(resource)
    if kind == "Gateway":
        return lambda one: selects(body.get("selector") or {}, one.labels)
    if targets(body) or kind not in _BY_NAMESPACE:
        return lambda one: applies(resource, one, root_namespace=root)
    if wanted:
        return lambda one: one.namespace == home and not one.is_waypoint and selects(wanted, one.labels)
    if kind == "Telemetry":
        return lambda one: home in (root, one.namespace, *(namespace for _, namespace, _ in one.carried))
    return lambda one: home in (root, one.namespace)
