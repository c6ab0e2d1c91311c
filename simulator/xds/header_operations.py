"""VirtualService header operations → Envoy's (istiod: core/route/route.go, TranslateHeadersOperations)."""

from collections.abc import Iterable

from simulator.model.wire import Json

OVERWRITE = "OVERWRITE_IF_EXISTS_OR_ADD"


def header_operations(headers: Json | None) -> tuple[Json, str]:
    """Return the four header fields of a route or weighted cluster, and the authority to rewrite to.

    Envoy cannot set `host` and pseudo headers this way: the authority is told apart, the others are dropped.
    """
    if not headers:
        return {}, ""
    request, response = headers.get("request") or {}, headers.get("response") or {}
    fields = {
        "request_headers_to_add": _added(request),
        "request_headers_to_remove": [name for name in request.get("remove") or () if not _is_internal(name)],
        "response_headers_to_add": _added(response),
        "response_headers_to_remove": [name for name in response.get("remove") or () if not _is_internal(name)],
    }
    authority = _authority((request.get("set") or {}).items()) or _authority((request.get("add") or {}).items())
    return {name: value for name, value in fields.items() if value}, authority


def append_operations(target: Json, operations: Json) -> None:
    """Add header operations after those that `target` has."""
    for name, value in operations.items():
        target[name] = [*target.get(name, ()), *value]


def _added(operations: Json) -> list[Json]:
    overwritten = [_option(key, value) | {"append_action": OVERWRITE} for key, value in _visible(operations, "set")]
    appended = [_option(key, value) for key, value in _visible(operations, "add")]
    return overwritten + appended


def _visible(operations: Json, kind: str) -> list[tuple[str, str]]:
    return sorted((key, value) for key, value in (operations.get(kind) or {}).items() if not _is_internal(key))


def _option(key: str, value: str) -> Json:
    return {"header": {"key": key, "value": value} if value else {"key": key}}


def _authority(headers: Iterable[tuple[str, str]]) -> str:
    return next((value for key, value in headers if key.lower() in (":authority", "host")), "")


def _is_internal(key: str) -> bool:
    return key.startswith(":") or key.lower() == "host"
