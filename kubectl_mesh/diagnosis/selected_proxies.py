"""Which proxies does an object select that leaves no name in what they hold, and what of theirs does it shape?

istiod: pilot/pkg/model (sidecar.go, envoyfilter.go, authentication.go, telemetry.go, gateway.go). What such an object
made cannot be told from the rest, so that all of a kind is compared.
"""

from collections.abc import Callable
from typing import Any

from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, spec
from kubectl_mesh.diagnosis.pod_policies import targets
from simulator.model.labels import GATEWAY_CLASS, GATEWAY_NAME, selects
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
"""Kind → the sections of a config dump that an object of it has a part in."""
WORDS = {"ClustersConfigDump": "clusters", "RoutesConfigDump": "virtual hosts", "ListenersConfigDump": "listeners"}
_WAYPOINT = "istio-waypoint"
Selects = Callable[[ProxyId], bool]


def selection(lookup: Lookup, resource: Json, *, kind: str) -> Selects:
    """Return what tells whether an object selects a proxy, by the labels of its pod."""
    chooses = _of_labels(lookup, resource, kind)

    def selected(proxy: ProxyId) -> bool:
        pod = lookup.get("Pod", proxy.namespace, proxy.name)
        return pod is not None and chooses(proxy.namespace, labels(pod))

    return selected


def _of_labels(lookup: Lookup, resource: Json, kind: str) -> Callable[[str, dict[str, str]], bool]:
    home, body = namespace_of(resource), spec(resource)
    if kind == "Gateway" and "gatewayClassName" in body:
        return lambda namespace, held: namespace == home and held.get(GATEWAY_NAME) == name_of(resource)
    if kind == "Gateway":
        return lambda _, held: selects(body.get("selector") or {}, held)
    if references := targets(body):
        return lambda namespace, held: namespace == home and any(_is_target(each, held) for each in references)
    wanted: dict[str, str] = _selector(body)
    everywhere = home == lookup.root_namespace and not (wanted and kind in ("PeerAuthentication", "Sidecar"))
    return lambda namespace, held: (everywhere or namespace == home) and selects(wanted, held)


def _selector(body: Json) -> dict[str, str]:
    chosen: Any = body.get("selector") or body.get("workloadSelector") or {}
    return dict(chosen.get("matchLabels") or chosen.get("labels") or {})


def _is_target(reference: Json, held: dict[str, str]) -> bool:
    """Tell whether a proxy is the gateway that a policy is for, or a waypoint, which serves what else policies name."""
    if reference.get("kind") == "Gateway":
        return held.get(GATEWAY_NAME) == reference.get("name")
    return held.get(GATEWAY_CLASS) == _WAYPOINT
