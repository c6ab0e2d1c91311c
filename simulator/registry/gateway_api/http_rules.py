"""Rules of HTTPRoutes and GRPCRoutes → HTTP routes of a VirtualService, one for each match.

istiod: pilot/pkg/config/kube/gateway/conversion.go (convertHTTPRoute, convertGRPCRoute, sortHTTPRoutes).
"""

import re
from collections.abc import Iterator, Sequence

from simulator.model.resources import Provenance, Resource
from simulator.model.wire import Json, Sourced
from simulator.registry.gateway_api.destinations import Backends, InvalidRouteError, total_weight
from simulator.registry.gateway_api.http_filters import backend_filters, rule_filters

_RETRY_ON = ("connect-failure", "refused-stream", "unavailable", "cancelled")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001, "µs": 0.000001, "ns": 0.000000001}
_RANKS = {"exact": 3, "prefix": 2, "regex": 1}


def http_routes(route: Resource, backends: Backends, *, mesh: bool) -> list[Sourced]:
    """Return the HTTP routes of all rules, in order of precedence. Raises InvalidRouteError."""
    found = []
    for position, rule in enumerate(route.spec.get("rules") or ()):
        for at, match in enumerate(rule.get("matches") or [None]):
            path: tuple[str | int, ...] = ("spec", "rules", position)
            if match is not None:
                path = (*path, "matches", at)
            converted = _convert(route, rule, match, position=position, backends=backends, mesh=mesh)
            found.append(Sourced(converted, Provenance(ref=route.ref, path=path)))
    return sorted(found, key=precedence)


def precedence(route: Json) -> tuple[bool, int, int, bool, int, int]:
    """Sort key: exact, prefix and regular expressions; longer paths; a method; more headers; more parameters.

    Routes without a match come last; the order of equal ones stays.
    """
    matches = route.get("match")
    if not matches:
        return (True, 0, 0, False, 0, 0)
    first = matches[0]
    kind, text = next(iter((first.get("uri") or {}).items()), ("", ""))
    rank = _RANKS.get(kind, -1)
    headers, parameters = first.get("headers") or {}, first.get("queryParams") or {}
    return (False, -rank, -len(text.encode()), first.get("method") is None, -len(headers), -len(parameters))


def with_port(routes: Sequence[Sourced], port: int) -> list[Sourced]:
    """Return routes that hold for one port of the service only."""
    return [
        Sourced({**route, "match": [{**match, "port": port} for match in route.get("match") or [{}]]}, route.source)
        for route in routes
    ]


def duration(text: str) -> float:
    """Read a duration as Go and the Gateway API spell it, such as `1m30s`; 0 when it is unreadable."""
    parts = re.findall(r"([0-9.]+)(h|ms|us|µs|ns|m|s)", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _convert(route: Resource, rule: Json, match: Json | None, *, position: int, backends: Backends, mesh: bool) -> Json:
    result: Json = {"name": rule.get("name") or f"{route.namespace}.{route.name}.{position}"}
    if match is not None:
        result["match"] = [_http_match(match) if route.kind == "HTTPRoute" else _grpc_match(match)]
    result |= rule_filters(route, rule.get("filters") or (), backends, enforce_grants=not mesh)
    if route.kind == "HTTPRoute":
        result |= _resilience(rule)
    references = rule.get("backendRefs") or ()
    if total_weight(references) == 0 and "redirect" not in result:
        missing = route.kind == "HTTPRoute" and not references
        result["directResponse"] = {"status": 404 if missing else 500}
    elif entries := list(_destinations(route, references, backends, mesh=mesh)):
        result["route"] = entries
    return result


def _destinations(route: Resource, references: Sequence[Json], backends: Backends, *, mesh: bool) -> Iterator[Json]:
    for reference, entry in backends.weighted(route, references, enforce_grants=not mesh):
        yield {**entry, **backend_filters(reference.get("filters") or ())}


def _resilience(rule: Json) -> Json:
    result: Json = {}
    retry = rule.get("retry")
    if retry is not None:
        attempts = 2 if retry.get("attempts") is None else int(retry["attempts"])
        codes = [str(code) for code in retry.get("codes") or ()]
        result["retries"] = {"attempts": attempts} | ({"retryOn": ",".join([*_RETRY_ON, *codes])} if attempts else {})
        if retry.get("backoff"):
            result["retries"]["backoff"] = _seconds(duration(retry["backoff"]))
    timeouts = rule.get("timeouts") or {}
    if request := duration(timeouts.get("request") or ""):
        result["timeout"] = _seconds(request)
    if attempt := duration(timeouts.get("backendRequest") or ""):
        if retry is not None:
            result["retries"]["perTryTimeout"] = _seconds(attempt)
        else:
            result["timeout"] = _seconds(attempt)
    return result


def _seconds(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") + "s"


def _http_match(match: Json) -> Json:
    result: Json = {"uri": _path(match.get("path") or {})}
    if headers := _named(match.get("headers") or (), "header"):
        result["headers"] = headers
    if parameters := _named(match.get("queryParams") or (), "query parameter"):
        result["queryParams"] = parameters
    if match.get("method"):
        result["method"] = {"exact": match["method"]}
    return result


def _path(path: Json) -> Json:
    value = "/" if path.get("value") is None else str(path["value"])
    match path.get("type") or "PathPrefix":
        case "PathPrefix":
            return {"prefix": value if value == "/" else value.removesuffix("/")}
        case "Exact":
            return {"exact": value}
        case "RegularExpression":
            return {"regex": value}
        case other:
            raise InvalidRouteError(f"path match of type {other} is not supported")


def _named(entries: Sequence[Json], what: str) -> Json:
    """Return header or parameter matches by name; of several for one name the last counts."""
    result: Json = {}
    for entry in entries:
        kind = {"Exact": "exact", "RegularExpression": "regex"}.get(entry.get("type") or "Exact")
        if kind is None:
            raise InvalidRouteError(f"{what} match of type {entry['type']} is not supported")
        result[entry["name"]] = {kind: entry.get("value") or ""}
    return result


def _grpc_match(match: Json) -> Json:
    result: Json = {}
    if (method := match.get("method")) is not None:
        result["uri"] = _grpc_path(method)
    if headers := _named(match.get("headers") or (), "header"):
        result["headers"] = headers
    return result


def _grpc_path(method: Json) -> Json:
    """Return the match of `/service/method` that a gRPC call's path has."""
    service, name = method.get("service"), method.get("method")
    kind = method.get("type") or "Exact"
    if service is None and name is None:
        raise InvalidRouteError("a gRPC match needs a method or a service")
    if kind not in ("Exact", "RegularExpression"):
        raise InvalidRouteError(f"gRPC match of type {kind} is not supported")
    if service is None:
        return {"regex": f"/[^/]+/{name}"}
    if kind == "Exact":
        return {"prefix": f"/{service}/"} if name is None else {"exact": f"/{service}/{name}"}
    return {"regex": f"/{service}/.+" if name is None else f"/{service}/{name}"}
