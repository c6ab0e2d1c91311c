"""Filters of HTTPRoute and GRPCRoute rules → the fields of a VirtualService's route.

istiod: pilot/pkg/config/kube/gateway/conversion.go (createHeadersFilter, createRedirectFilter, createRewriteFilter,
createCorsFilter, createMirrorFilter).
"""

import re
from collections.abc import Sequence

from simulator.model.go_text import quote_meta
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.gateway_api.destinations import Backends, InvalidRouteError

_ANY_ORIGIN = r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$"
_HEADERS = {
    "RequestHeaderModifier": ("requestHeaderModifier", "request"),
    "ResponseHeaderModifier": ("responseHeaderModifier", "response"),
}


def rule_filters(route: Resource, filters: Sequence[Json], backends: Backends, *, enforce_grants: bool) -> Json:
    """Return what a rule's filters say. Raises InvalidRouteError."""
    result: Json = {}
    for entry in filters:
        match entry.get("type"):
            case "RequestHeaderModifier" | "ResponseHeaderModifier":
                _add_headers(result, entry)
            case "RequestRedirect" if route.kind == "HTTPRoute":
                result["redirect"] = _redirect(entry.get("requestRedirect") or {})
            case "URLRewrite" if route.kind == "HTTPRoute":
                if rewrite := _rewrite(entry.get("urlRewrite") or {}):
                    result["rewrite"] = rewrite
            case "CORS" if route.kind == "HTTPRoute":
                result["corsPolicy"] = _cors(entry.get("cors") or {})
            case "RequestMirror":
                mirror = _mirror(route, entry.get("requestMirror") or {}, backends, enforce_grants=enforce_grants)
                if mirror is not None:
                    result.setdefault("mirrors", []).append(mirror)
            case other:
                raise InvalidRouteError(f"filter {other} is not supported")
    return result


def backend_filters(filters: Sequence[Json]) -> Json:
    """Return what a backend's own filters say; only headers can be modified there. Raises InvalidRouteError."""
    result: Json = {}
    for entry in filters:
        if entry.get("type") not in _HEADERS:
            raise InvalidRouteError(f"filter {entry.get('type')} is not supported on a backend")
        _add_headers(result, entry)
    return result


def _add_headers(result: Json, entry: Json) -> None:
    field, direction = _HEADERS[entry["type"]]
    modifier = entry.get(field)
    if modifier is None:
        return
    for header in (*(modifier.get("set") or ()), *(modifier.get("add") or ())):
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", str(header.get("value") or "")):
            raise InvalidRouteError(f"header {header.get('name')} has an invalid value")
    operations: Json = {}
    for kind in ("set", "add"):
        if headers := _first_values(modifier.get(kind) or ()):
            operations[kind] = headers
    if modifier.get("remove"):
        operations["remove"] = list(modifier["remove"])
    result.setdefault("headers", {})[direction] = operations


def _first_values(headers: Sequence[Json]) -> dict[str, str]:
    values: dict[str, str] = {}
    for header in headers:
        values.setdefault(str(header["name"]).lower(), str(header.get("value") or ""))
    return values


def _redirect(spec: Json) -> Json:
    result: Json = {}
    if spec.get("statusCode") is not None:
        result["redirectCode"] = int(spec["statusCode"])
    if spec.get("hostname") is not None:
        result["authority"] = spec["hostname"]
    if spec.get("scheme") is not None:
        result["scheme"] = spec["scheme"]
    if spec.get("port") is not None:
        result["port"] = int(spec["port"])
    else:
        result["derivePort"] = "FROM_PROTOCOL_DEFAULT" if spec.get("scheme") is not None else "FROM_REQUEST_PORT"
    path = spec.get("path") or {}
    if path.get("type") == "ReplaceFullPath":
        result["uri"] = path.get("replaceFullPath") or ""
    elif path.get("type") == "ReplacePrefixMatch":
        result["uri"] = "%PREFIX()%" + (path.get("replacePrefixMatch") or "")
    return result


def _rewrite(spec: Json) -> Json:
    result: Json = {}
    path = spec.get("path") or {}
    if path.get("type") == "ReplacePrefixMatch":
        result["uri"] = (path.get("replacePrefixMatch") or "").removesuffix("/") or "/"
    elif path.get("type") == "ReplaceFullPath":
        result["uriRegexRewrite"] = {"match": "/.*", "rewrite": path.get("replaceFullPath") or ""}
    if spec.get("hostname"):
        result["authority"] = spec["hostname"]
    return result


def _mirror(route: Resource, spec: Json, backends: Backends, *, enforce_grants: bool) -> Json | None:
    """Return a mirror; None when its backend cannot be used, which a GRPCRoute does not survive."""
    reference = spec.get("backendRef") or {}
    try:
        destination, usable = backends.destination(route, reference, enforce_grants=enforce_grants)
    except InvalidRouteError:
        if route.kind == "GRPCRoute":
            raise
        return None
    if not usable:
        if route.kind == "GRPCRoute":
            raise InvalidRouteError(f"mirror {reference.get('name')} cannot be used")
        return None
    mirror: Json = {"destination": destination}
    if (fraction := spec.get("fraction")) is not None:
        mirror["percentage"] = {"value": 100 * fraction["numerator"] / (fraction.get("denominator") or 100)}
    elif spec.get("percent") is not None:
        mirror["percentage"] = {"value": float(spec["percent"])}
    return mirror


def _cors(spec: Json) -> Json:
    result: Json = {"unmatchedPreflights": "IGNORE"}
    if origins := [_origin(origin) for origin in spec.get("allowOrigins") or () if origin]:
        result["allowOrigins"] = origins
    if spec.get("allowCredentials"):
        result["allowCredentials"] = True
    for field in ("allowMethods", "allowHeaders", "exposeHeaders"):
        if spec.get(field):
            result[field] = list(spec[field])
    if spec.get("maxAge"):
        result["maxAge"] = f"{int(spec['maxAge'])}s"
    return result


def _origin(origin: str) -> Json:
    if origin == "*":
        return {"regex": _ANY_ORIGIN}
    if "*" not in origin:
        return {"exact": origin}
    if origin.count("*") == 1 and origin.endswith("*"):
        return {"prefix": origin[:-1]}
    return {"regex": "^" + ".*".join(quote_meta(part) for part in origin.split("*")) + "$"}
