"""Whether what an EnvoyFilter adds fits Envoy's own types. istio: pkg/config/xds/xds.go.

Istio parses the value twice, leniently and strictly: what only the second refuses (an unknown field) is a warning.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from simulator.model import envoy_types
from simulator.model.envoy_types import FieldType
from simulator.model.go_text import quote
from simulator.model.wire import Json
from simulator.validation.envoy_packages import OPAQUE_PACKAGES
from simulator.validation.problems import Problems, error, warning

_HTTP = (
    "buffer cors csrf ext_authz fault grpc_http1_bridge grpc_json_transcoder grpc_web gzip health_check ip_tagging lua "
    "router squash"
)
_LISTENER = "http_inspector original_dst original_src proxy_protocol tls_inspector"
_NETWORK = "client_ssl_auth http_connection_manager mongo_proxy redis_proxy tcp_proxy"
_OTHER = {
    "envoy.http_dynamo_filter": "envoy.filters.http.dynamo",
    "envoy.rate_limit": "envoy.filters.http.ratelimit",
    "envoy.ratelimit": "envoy.filters.network.ratelimit",
}


@cache
def deprecated_names() -> Mapping[str, str]:
    """Return the names that filters had before Envoy 1.14, and those they have now."""
    names = {f"envoy.{name}": f"envoy.filters.http.{name}" for name in _HTTP.split()}
    names |= {f"envoy.listener.{name}": f"envoy.filters.listener.{name}" for name in _LISTENER.split()}
    return names | {f"envoy.{name}": f"envoy.filters.network.{name}" for name in _NETWORK.split()} | _OTHER


def problems_of(message: str, value: Json) -> Problems:
    """Check a value against a message type; one problem is told, as Go's parser stops at the first."""
    for text, is_unknown_field in _check(message, value):
        if is_unknown_field:
            yield warning(f"Envoy filter: {text}")
        else:
            yield error(text if text.startswith("referenced type") else f"Envoy filter: {text}")
        return


def _check(message: str, value: Any) -> Iterator[tuple[str, bool]]:
    """Yield (sentence, whether a lenient parser lets it pass), those that no parser lets pass first."""
    found = list(_walk(message, value))
    yield from (each for each in found if not each[1])
    yield from (each for each in found if each[1])


def _walk(message: str, value: Any) -> Iterator[tuple[str, bool]]:
    if not isinstance(value, dict):
        yield f"unexpected value for message {message}", False
        return
    known = envoy_types.fields(message)
    for key in sorted(value):
        field, item = known.get(key), value[key]
        if field is None:
            yield f"unknown field {quote(key)} in {message}", True
        elif item is not None:
            for each in _items(field, item):
                yield from _item(field, each)


def _items(field: FieldType, item: Any) -> list[Any]:
    if field.map:
        return list(item.values()) if isinstance(item, dict) else []
    if field.repeated:
        return item if isinstance(item, list) else []
    return [item]


def _item(field: FieldType, item: Any) -> Iterator[tuple[str, bool]]:
    kind = field.kind[0]
    if kind == "m":
        yield from _walk(envoy_types.message_name(field.kind), item)
    elif kind == "A":
        yield from _any(item)
    elif kind == "e":
        names = envoy_types.enum_names(field.kind)
        if isinstance(item, str) and item not in names.values():
            yield f"unknown value {quote(item)} for enum {field.name}", False
    elif kind == "b" and not isinstance(item, bool):
        yield f"bad input: expecting boolean ; instead got {item}", False


def _any(item: Any) -> Iterator[tuple[str, bool]]:
    if not isinstance(item, dict) or not item:
        return
    url = item.get("@type")
    if not isinstance(url, str):
        yield "Any JSON doesn't have '@type'", False
        return
    name = url.rpartition("/")[2]
    if envoy_types.knows(name):
        yield from _walk(name, {key: value for key, value in item.items() if key != "@type"})
    elif name.startswith("envoy.") and not _is_opaque(name):
        hint = " (hint: try using the v3 XDS API)" if ".v2." in name else ""
        reason = f'Envoy filter: could not resolve Any message type "{url}"'
        yield f"referenced type unknown{hint}: {reason}", False


def _is_opaque(message: str) -> bool:
    return any(message.startswith(f"{package}.") for package in OPAQUE_PACKAGES)


def without_typed_config(message: str, value: Any) -> Iterator[str]:
    """Yield the names of extensions that have no configuration of a type, which Envoy looks up by name no longer."""
    if not isinstance(value, dict):
        return
    known = envoy_types.fields(message)
    given = {known[key].name: item for key, item in value.items() if key in known and item is not None}
    for name, item in given.items():
        field = known[name]
        if field.kind[0] == "m" and not field.map and not field.repeated:
            yield from without_typed_config(envoy_types.message_name(field.kind), item)
    if "typed_config" in known and not {"typed_config", "config_discovery"} & given.keys():
        yield str(given.get("name", ""))
