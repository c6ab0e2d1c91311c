"""What a VirtualService rule does with a request: forward, redirect or answer.

istiod: pilot/pkg/networking/core/route/route.go (applyHTTPRouteDestination, ApplyRedirect, ApplyDirectResponse).
"""

from dataclasses import dataclass

from simulator.model.go_text import quote_meta
from simulator.model.wire import Json, Route
from simulator.registry.snapshot import Snapshot
from simulator.xds.durations import duration
from simulator.xds.hash_policy import hash_policy
from simulator.xds.header_operations import append_operations, header_operations
from simulator.xds.retry_policy import retry_policy
from simulator.xds.route_filters import percent, whole_percent
from simulator.xds.route_targets import RuleTargets, Target

_REDIRECT_CODES = {
    0: "",
    301: "",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
MAX_DIRECT_RESPONSE = 1 << 20
_DEFAULT_PORTS = {80: "http", 443: "https"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteContext:
    """Where routes are used, as far as the routes show it."""

    port: int
    """Listener port of a sidecar, or the number of the gateway server."""
    gateway: str = "mesh"
    is_tls: bool = False
    forwarded_host: bool = False


def timeouts(text: str | None) -> Json:
    """Return the two timeouts of a route; without a value they are off."""
    value = duration(text) if text else "0s"
    return {"timeout": value, "max_grpc_timeout": value}


def forward(
    route: Route,
    http: Json,
    targets: RuleTargets,
    *,
    authority: str,
    gateway_api: bool,
    context: RouteContext,
    snapshot: Snapshot,
) -> None:
    """Make `route` forward to the destinations of its rule; headers of a single destination join those of the route."""
    action: Json = timeouts(http.get("timeout"))
    if gateway_api:
        action["cluster_not_found_response_code"] = "INTERNAL_SERVER_ERROR"
    rewrite = http.get("rewrite")
    if rewrite:
        if context.forwarded_host:
            action["append_x_forwarded_host"] = True
        action |= _path_rewrite(rewrite, route["match"], gateway_api=gateway_api)
        authority = rewrite.get("authority") or authority
    if authority:
        action["host_rewrite_literal"] = authority
    mirrors = _mirrors(http, targets.mirrors, keep_host=snapshot.flag("DISABLE_SHADOW_HOST_SUFFIX", default=True))
    if mirrors:
        action["request_mirror_policies"] = mirrors
    destinations = http.get("route") or []
    hashed = False
    if len(destinations) == 1:
        hashed = bool(targets.destinations[0].hash)
        _single(route, action, destinations[0], targets.destinations[0])
    else:
        action["weighted_clusters"] = _weighted(action, destinations, targets)
    retries = http.get("retries")
    policy = retry_policy(snapshot.mesh.get("defaultHttpRetryPolicy") if retries is None else retries, hashed=hashed)
    if policy is not None:
        action["retry_policy"] = policy
    route["route"] = action


def redirect(redirect: Json, *, gateway_api: bool, context: RouteContext) -> Json | None:
    """Translate a redirect; None when Envoy cannot send its status code."""
    action: Json = {"path_redirect": redirect.get("uri") or ""}
    if gateway_api and action["path_redirect"].startswith("%PREFIX()%"):
        action = {"prefix_rewrite": action["path_redirect"].removeprefix("%PREFIX()%")}
    if redirect.get("authority"):
        action["host_redirect"] = redirect["authority"]
    if redirect.get("scheme"):
        action["scheme_redirect"] = redirect["scheme"]
    port = int(redirect.get("port") or 0)
    if redirect.get("derivePort") == "FROM_REQUEST_PORT":
        port = context.port
    scheme = redirect.get("scheme") or ("https" if context.is_tls else "http")
    if port and _DEFAULT_PORTS.get(port) != scheme:
        action["port_redirect"] = port
    code = _REDIRECT_CODES.get(int(redirect.get("redirectCode") or 0))
    if code is None:
        return None
    return action | ({"response_code": code} if code else {})


def direct_response(response: Json) -> Json:
    """Translate a direct response."""
    action: Json = {"status": int(response.get("status") or 0)}
    body = response.get("body") or {}
    if body.get("string") is not None:
        action["body"] = {"inline_string": body["string"]}
    elif body.get("bytes") is not None:
        action["body"] = {"inline_bytes": body["bytes"]}
    return action


def _path_rewrite(rewrite: Json, match: Json, *, gateway_api: bool) -> Json:
    regex = rewrite.get("uriRegexRewrite")
    if regex:
        pattern: Json = {"regex": regex["match"]} if regex.get("match") else {}
        return {"regex_rewrite": _substitution(pattern, regex.get("rewrite") or "")}
    uri = rewrite.get("uri") or ""
    if gateway_api and uri == "/":
        prefix = quote_meta(match.get("path_separated_prefix") or "")
        return {"regex_rewrite": _substitution({"regex": f"^{prefix}(/?)(.*)"}, r"/\2")}
    return {"prefix_rewrite": uri} if uri else {}


def _substitution(pattern: Json, text: str) -> Json:
    return {"pattern": pattern, "substitution": text} if text else {"pattern": pattern}


def _mirrors(http: Json, clusters: tuple[str, ...], *, keep_host: bool) -> list[Json]:
    shares: list[Json | None] = []
    if http.get("mirror"):
        shares.append(_mirror_share(http))
    for mirror in http.get("mirrors") or ():
        given = mirror.get("percentage")
        shares.append(whole_percent(100) if given is None else _positive(percent(given)))
        if not mirror.get("destination"):
            shares[-1] = None
    return [
        {
            "cluster": cluster,
            "runtime_fraction": {"default_value": share},
            "trace_sampled": False,
        }
        | ({"disable_shadow_host_suffix_append": True} if keep_host else {})
        for cluster, share in zip(clusters, shares, strict=True)
        if share is not None
    ]


def _mirror_share(http: Json) -> Json | None:
    if http.get("mirrorPercentage") is not None:
        given = http["mirrorPercentage"]
        return percent(given) if float(given.get("value") or 0) > 0 else None
    whole = http.get("mirrorPercent", http.get("mirror_percent"))
    if whole is not None:
        return whole_percent(int(whole)) if int(whole) > 0 else None
    return whole_percent(100)


def _positive(share: Json) -> Json | None:
    return share if share.get("numerator") else None


def _single(route: Route, action: Json, destination: Json, target: Target) -> None:
    action["cluster"] = target.cluster
    operations, authority = header_operations(destination.get("headers"))
    append_operations(route, operations)  # type: ignore[arg-type]  # a Route is a dict
    if authority and "host_rewrite_literal" not in action:
        action["host_rewrite_literal"] = authority
    _add_hash(action, target)


def _weighted(action: Json, destinations: list[Json], targets: RuleTargets) -> Json:
    clusters: list[Json] = []
    for destination, target in zip(destinations, targets.destinations, strict=True):
        weight = int(destination.get("weight") or 0)
        if weight == 0:
            continue
        operations, authority = header_operations(destination.get("headers"))
        cluster = {"name": target.cluster, "weight": weight} | operations
        if authority:
            cluster["host_rewrite_literal"] = authority
        clusters.append(cluster)
        _add_hash(action, target)
    return {"clusters": clusters} if clusters else {}


def _add_hash(action: Json, target: Target) -> None:
    policy = hash_policy(target.hash)
    if policy is not None:
        action["hash_policy"] = [*action.get("hash_policy", ()), policy]
