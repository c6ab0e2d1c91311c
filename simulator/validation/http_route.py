"""Rules of a VirtualService's HTTP routes. istio: validateHTTPRoute in pkg/config/validation/virtualservice.go."""

from http import HTTPStatus

from simulator.model.go_text import quote
from simulator.model.wire import Json
from simulator.validation import headers, names
from simulator.validation.destinations import destination, gateway_names, http_destinations
from simulator.validation.faults import fault, http_status
from simulator.validation.problems import Problems, at, error, errors_only, warning
from simulator.validation.string_match import regex, regex_match, string_match

_RETRY_ON = frozenset(
    {
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "retriable-4xx",
        "refused-stream",
        "retriable-status-codes",
        "retriable-headers",
        "envoy-ratelimited",
        "http3-post-connect-failure",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    }
)
_CORS_METHODS = frozenset(
    {
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "CONNECT",
        "OPTIONS",
        "TRACE",
        "*",
    }
)
_STATUSES = frozenset(int(status) for status in HTTPStatus)
_KB = 1024


def http_route(route: Json, *, is_delegate: bool, from_gateway_api: bool) -> Problems:
    """Check one HTTP route."""
    yield from _conflicts(route, is_delegate=is_delegate)
    for number, match in enumerate(route.get("match") or ()):
        yield from at(("match", number), _match_strings(match))
    for number, match in enumerate(route.get("match") or ()):
        yield from at(("match", number), errors_only(_match_rest(match)))
    yield from headers.operations(route.get("headers"))
    yield from at(("corsPolicy",), _cors(route.get("corsPolicy")))
    yield from at(("fault",), fault(route.get("fault")))
    yield from _mirror(route)
    yield from at(("redirect",), _redirect(route.get("redirect")))
    yield from at(("directResponse",), _direct_response(route.get("directResponse")))
    yield from at(("retries",), _retries(route.get("retries")))
    yield from at(("rewrite",), _rewrite(route.get("rewrite")))
    yield from headers.authority_once(route.get("rewrite"), route.get("headers"))
    yield from http_destinations(route.get("route") or (), from_gateway_api=from_gateway_api)
    if route.get("timeout") is not None:
        yield from at(("timeout",), names.duration(route["timeout"]))


def _conflicts(route: Json, *, is_delegate: bool) -> Problems:
    has = {
        field: route.get(field) is not None for field in ("redirect", "fault", "rewrite", "directResponse", "delegate")
    }
    if has["delegate"] and not is_delegate:
        for field in ("redirect", "route"):
            if route.get(field) not in (None, []):
                yield error(f"root HTTP route {route.get('name') or ''} must not specify {field}", field)
        return
    if has["delegate"]:
        yield error("delegate HTTP route cannot contain delegate", "delegate")
    if has["redirect"] or has["directResponse"]:
        yield from _exclusive(route, has)
    elif not route.get("route"):
        yield error("HTTP route, redirect or direct_response is required")
    if route.get("mirror") is not None and route.get("mirrors"):
        yield error("HTTP route cannot contain both mirror and mirrors", "mirrors")


def _exclusive(route: Json, has: dict[str, bool]) -> Problems:
    field, name = ("redirect", "redirect") if has["redirect"] else ("directResponse", "direct_response")
    if route.get("route"):
        yield error(f"HTTP route cannot contain both route and {name}", field)
    if has["fault"]:
        yield error(f"HTTP route cannot contain both fault and {name}", field)
    if has["rewrite"]:
        yield error(f"HTTP route rule cannot contain both rewrite and {name}", field)
    if has["redirect"] and has["directResponse"]:
        yield error("HTTP route rule cannot contain both direct_response and redirect", field)


def _match_strings(match: Json) -> Problems:
    for name, value in (match.get("headers") or {}).items():
        if value is None:
            yield error(f"header match {name} cannot be null", "headers", name)
        yield from at(("headers", name), headers.matched_name(name))
        yield from at(("headers", name), string_match(value, "headers"))
    for name, value in (match.get("withoutHeaders") or {}).items():
        yield from at(("withoutHeaders", name), headers.matched_name(name))
        if (value or {}).get("regex") != "*":
            yield from at(("withoutHeaders", name), string_match(value, "withoutHeaders"))
    yield from at(("uri",), regex_match(match.get("uri"), "uri"))
    for field in ("scheme", "method", "authority"):
        yield from at((field,), string_match(match.get(field), field))
    for name, value in (match.get("queryParams") or {}).items():
        yield from at(("queryParams", name), string_match(value, "queryParams"))


def _match_rest(match: Json) -> Problems:
    if match.get("port"):
        yield from at(("port",), names.port(match["port"]))
    yield from at(("sourceLabels",), names.labels(match.get("sourceLabels")))
    yield from at(("gateways",), gateway_names(match.get("gateways") or ()))
    namespace = match.get("sourceNamespace") or ""
    if namespace and not names.is_label(namespace):
        yield error(f"sourceNamespace match {namespace} is invalid", "sourceNamespace")


def _mirror(route: Json) -> Problems:
    percent = route.get("mirrorPercent", route.get("mirror_percent"))
    if percent is not None:
        if percent > 100:
            yield error(f"mirror_percent must have a max value of 100 (it has {percent})", "mirrorPercent")
        yield warning('using deprecated setting "mirrorPercent", use "mirrorPercentage" instead', "mirrorPercent")
    yield from at(("mirrorPercentage",), _share(route.get("mirrorPercentage"), "mirror_percentage"))
    yield from at(("mirror",), destination(route.get("mirror")))
    for number, mirror in enumerate(route.get("mirrors") or ()):
        path = ("mirrors", number)
        if mirror.get("destination") is None:
            yield error("destination is required for mirrors", *path)
            continue
        yield from at((*path, "destination"), destination(mirror["destination"]))
        yield from at((*path, "percentage"), _share(mirror.get("percentage"), "mirror percentage"))


def _share(percentage: Json | None, name: str) -> Problems:
    value = (percentage or {}).get("value") or 0
    if value > 100:
        yield error(f"{name} must have a max value of 100 (it has {value:f})")
    if value < 0:
        yield error(f"{name} must have a min value of 0 (it has {value:f})")


def _cors(policy: Json | None) -> Problems:
    if policy is None:
        return
    for number, origin in enumerate(policy.get("allowOrigins") or ()):
        path = ("allowOrigins", number)
        if not any(origin.get(kind) for kind in ("exact", "prefix", "regex")):
            yield error("'' is not a valid match type for CORS allow origins", *path)
        else:
            yield from at(path, regex_match(origin, "corsPolicy.allowOrigins"))
    for method in policy.get("allowMethods") or ():
        if method not in _CORS_METHODS:
            yield error(f"{quote(method)} is not a supported HTTP method", "allowMethods")
    for field in ("allowHeaders", "exposeHeaders"):
        for name in policy.get(field) or ():
            yield from at((field,), headers.cors_name(name))
    if policy.get("maxAge") is not None:
        yield from at(("maxAge",), names.duration(policy["maxAge"]))
        if (names.milliseconds(policy["maxAge"]) or 0) % 1000:
            yield error("max_age duration is accurate only to seconds precision", "maxAge")


def _redirect(redirect: Json | None) -> Problems:
    if redirect is None:
        return
    code, scheme = redirect.get("redirectCode") or 0, redirect.get("scheme") or ""
    has_port = redirect.get("port") is not None or redirect.get("derivePort") is not None
    if not redirect.get("uri") and not redirect.get("authority") and not has_port and not scheme:
        yield error("redirect must specify URI, authority, scheme, or port")
    elif code and not 300 <= code <= 399:
        yield error(f"{code} is not a valid redirect code, must be 3xx", "redirectCode")
    elif scheme not in ("", "http", "https"):
        yield error('invalid redirect scheme, must be "http" or "https"', "scheme")
    elif redirect.get("port"):
        yield from at(("port",), names.port(redirect["port"]))


def _direct_response(response: Json | None) -> Problems:
    if response is None:
        return
    body = response.get("body") or {}
    size = len(str(body.get("string") or "").encode()) or len(str(body.get("bytes") or "")) * 3 // 4
    if size > _KB * _KB:
        yield error("large direct_responses may impact control plane performance, must be less than 1MB", "body")
    elif size > 100 * _KB:
        yield warning("large direct_responses may impact control plane performance", "body")
    yield from at(("status",), http_status(response.get("status") or 0))


def _retries(retries: Json | None) -> Problems:
    if retries is None:
        return
    attempts = retries.get("attempts") or 0
    if attempts < 0:
        yield error("attempts cannot be negative", "attempts")
    rest = retries.get("perTryTimeout") is not None or retries.get("retryRemoteLocalities") is not None
    if attempts == 0 and (rest or retries.get("retryOn")):
        yield error("http retry policy configured when attempts are set to 0 (disabled)", "attempts")
    if retries.get("perTryTimeout") is not None:
        yield from at(("perTryTimeout",), names.duration(retries["perTryTimeout"]))
    for policy in retries["retryOn"].split(",") if retries.get("retryOn") else ():
        is_status = policy.lstrip("+").isdigit() and int(policy) in _STATUSES
        if not is_status and policy not in _RETRY_ON:
            yield error(f"{quote(policy)} is not a valid retryOn policy", "retryOn")
    if retries.get("backoff") is not None:
        yield from at(("backoff",), names.duration(retries["backoff"]))


def _rewrite(rewrite: Json | None) -> Problems:
    if rewrite is None:
        return
    by_regex = rewrite.get("uriRegexRewrite")
    if rewrite.get("uri") and by_regex is not None:
        yield error("rewrite may only contain one of URI or UriRegexRewrite")
    elif not rewrite.get("uri") and by_regex is None and not rewrite.get("authority"):
        yield error(
            "rewrite must specify at least one of URI, UriRegexRewrite, or authority. Only one of URI or "
            "UriRegexRewrite may be specified"
        )
    elif by_regex is not None:
        for found in _regex_rewrite(by_regex):
            yield error(f"UriRegexRewrite has errors\n{found.text}", "uriRegexRewrite")


def _regex_rewrite(rewrite: Json) -> Problems:
    if not rewrite.get("match") or not rewrite.get("rewrite"):
        yield error("UriRegexRewrite requires both Rewrite and Match fields to be specified")
    else:
        yield from regex(rewrite["match"], "HTTPRewrite.UriRegexRewrite.Match")
