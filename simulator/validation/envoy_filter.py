"""Rules of an EnvoyFilter. istio: pkg/config/validation/envoyfilter/envoyfilter.go."""

from collections.abc import Iterator

from simulator.model.go_text import quote
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation.envoy_message import deprecated_names, problems_of, without_typed_config
from simulator.validation.problems import Problem, Problems, at, error, warning
from simulator.validation.selectors import NO_LABELS, selected_labels
from simulator.validation.string_match import regex_problem

_RISK = (
    "EnvoyFilter exposes internal implementation details that may change at any time. Prefer other APIs if possible, "
    "and exercise extreme caution, especially around upgrades."
)
_LISTENER_CLASS = frozenset({"LISTENER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER"})
_ROUTE_CLASS = frozenset({"ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"})
_MATCHES = ("listener", "routeConfiguration", "cluster", "waypoint")
_MANAGER = "envoy.filters.network.http_connection_manager"
_OLD_MANAGER = "envoy.http_connection_manager"
_MESSAGES = {
    "CLUSTER": "envoy.config.cluster.v3.Cluster",
    "LISTENER": "envoy.config.listener.v3.Listener",
    "ROUTE_CONFIGURATION": "envoy.config.route.v3.RouteConfiguration",
    "FILTER_CHAIN": "envoy.config.listener.v3.FilterChain",
    "HTTP_FILTER": "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
    "NETWORK_FILTER": "envoy.config.listener.v3.Filter",
    "VIRTUAL_HOST": "envoy.config.route.v3.VirtualHost",
    "HTTP_ROUTE": "envoy.config.route.v3.Route",
    "EXTENSION_CONFIG": "envoy.config.core.v3.TypedExtensionConfig",
    "BOOTSTRAP": "envoy.config.bootstrap.v3.Bootstrap",
    "LISTENER_FILTER": "envoy.config.listener.v3.ListenerFilter",
}


def validate(resource: Resource) -> Problems:
    """Check an EnvoyFilter."""
    spec = resource.spec
    selector = spec.get("workloadSelector")
    refused = list(selected_labels((selector or {}).get("labels")))
    if refused:
        yield from at(("spec", "workloadSelector", "labels"), refused)
        return
    yield warning(_RISK)
    if selector is not None and not selector.get("labels"):
        text = f"Envoy filter: {NO_LABELS}, will be applied to all services in namespace"
        yield warning(text, "spec", "workloadSelector")
    for number, patch in enumerate(spec.get("configPatches") or ()):
        yield from at(("spec", "configPatches", number), _patch(patch))


def _patch(config: Json | None) -> Problems:
    if config is None:
        yield error("Envoy filter: null config patch")
        return
    match, patch, target = config.get("match"), config.get("patch"), config.get("applyTo") or "INVALID"
    if (match or {}).get("context") == "WAYPOINT":
        return
    if missing := _missing(target, patch):
        yield error(f"Envoy filter: missing {missing}")
        return
    version = ((match or {}).get("proxy") or {}).get("proxyVersion") or ""
    if version and (problem := regex_problem(version)):
        text = f"Envoy filter: invalid regex for proxy version, [{problem}]"
        yield error(text, "match", "proxy", "proxyVersion")
        return
    ends_here = False
    for problem_found, is_last in _match_problems(target, match):
        ends_here = ends_here or is_last
        yield problem_found
    if not ends_here:
        yield from at(("patch", "value"), _value(target, (patch or {}).get("value")))


def _missing(target: str, patch: Json | None) -> str:
    if target == "INVALID":
        return "applyTo"
    if patch is None:
        return "patch"
    operation = patch.get("operation") or "INVALID"
    if operation == "INVALID":
        return "patch operation"
    return "patch value for non-remove operation" if operation != "REMOVE" and patch.get("value") is None else ""


def _match_problems(target: str, match: Json | None) -> Iterator[tuple[Problem, bool]]:
    """Yield (problem, whether Istio stops there) for matches that do not fit the target."""
    given = [field for field in _MATCHES if (match or {}).get(field) is not None]
    if match is None or not given:
        return
    kind = given[-1]  # of several, the last one in the message's field order counts
    if target in _LISTENER_CLASS:
        if kind != "listener":
            yield _clash("listener class", "listener"), True
            return
        chain = match["listener"].get("filterChain") or {}
        if chain.get("filter") is not None:
            yield from _filter_match(target, chain["filter"])
    elif target in _ROUTE_CLASS and kind != "routeConfiguration":
        yield _clash("http route class", "route configuration"), False
    elif target == "CLUSTER" and kind != "cluster":
        yield _clash("cluster class", "cluster"), False


def _clash(objects: str, match: str) -> Problem:
    return error(f"Envoy filter: applyTo for {objects} objects cannot have non {match} match", "match")


def _filter_match(target: str, wanted: Json) -> Iterator[tuple[Problem, bool]]:
    path = ("match", "listener", "filterChain", "filter")
    if target in ("LISTENER", "FILTER_CHAIN"):
        yield warning(f"Envoy filter: filter match has no effect when used with {target}", *path), False
    name, inner = wanted.get("name") or "", wanted.get("subFilter")
    problem = "" if name else "filter match has no name to match on"
    if name and inner is not None:
        problem = _inner_problem(target, name, inner)
    if problem:
        yield error(f"Envoy filter: {problem}", *path), True
        return
    for used in (name, (inner or {}).get("name") or ""):
        if used in deprecated_names():
            text = f"using deprecated filter name {quote(used)}; use {quote(deprecated_names()[used])} instead"
            yield warning(text, *path), False


def _inner_problem(target: str, name: str, inner: Json) -> str:
    if target != "HTTP_FILTER":
        return "subfilter match can be used with applyTo HTTP_FILTER only"
    if name not in (_MANAGER, _OLD_MANAGER):
        return f"subfilter match requires filter match with {_MANAGER}"
    return "" if inner.get("name") else "subfilter match has no name to match on"


def _value(target: str, value: Json | None) -> Problems:
    if value is None:
        return
    if target not in _MESSAGES:
        yield error(f"Envoy filter: unknown object type for applyTo {target}")
        return
    found = list(problems_of(_MESSAGES[target], value))
    yield from found
    if not found:
        names = list(without_typed_config(_MESSAGES[target], value))
        if names:
            yield warning(f"using deprecated types by name without typed_config; {', '.join(names)}")
