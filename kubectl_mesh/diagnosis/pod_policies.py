"""Which AuthorizationPolicies decide about requests to a pod, at its own proxy, its ztunnel or a waypoint before it?

istiod: pilot/pkg/model/policyattachment.go: a policy with targets selects no pods by their labels.
"""

from collections.abc import Sequence

from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, oldest_first, spec
from simulator.model.labels import GATEWAY_CLASS, GATEWAY_NAME, selects
from simulator.model.wire import Json


def authorization_policies(lookup: Lookup, pod: Json, services: Sequence[Json]) -> list[Json]:
    """Return the policies for a pod, oldest first; `services` are those it serves, or carries as a waypoint."""
    namespaces = dict.fromkeys((lookup.root_namespace, namespace_of(pod)))
    found = [each for namespace in namespaces for each in lookup.all("AuthorizationPolicy", namespace)]
    return oldest_first([each for each in found if _applies(each, pod, services)])


def targets(body: Json) -> list[Json]:
    """Return what the `spec` of a policy names as its targets; none where it selects pods by their labels."""
    return [*listed(body.get("targetRefs")), *([body["targetRef"]] if body.get("targetRef") else [])]


def _applies(policy: Json, pod: Json, services: Sequence[Json]) -> bool:
    body = spec(policy)
    if named := targets(body):
        return any(_is_target(each or {}, namespace_of(policy), pod, services) for each in named)
    return selects((body.get("selector") or {}).get("matchLabels") or {}, labels(pod))


def _is_target(target: Json, namespace: str, pod: Json, services: Sequence[Json]) -> bool:
    name = target.get("name")
    match target.get("kind"):
        case "Service":
            return any((namespace_of(each), name_of(each)) == (namespace, name) for each in services)
        case "Gateway":
            return labels(pod).get(GATEWAY_NAME) == name and namespace_of(pod) == namespace
        case "GatewayClass":
            return labels(pod).get(GATEWAY_CLASS) == name
    return False
