"""Checks of the values of EnvoyFilters against Envoy's message types. istio: pkg/config/xds/xds.go.

Istio parses the value twice, leniently and strictly: a problem of the second parse only (an unknown field) is a
warning. The texts are those of the parser, golang/protobuf's jsonpb, which stops at the first problem in the order of
the message's fields and checks for unknown fields after the known ones.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from simulator.model import envoy_types
from simulator.model.envoy_types import FieldType
from simulator.model.go_text import quote
from simulator.model.wire import Json
from simulator.validation.envoy_packages import is_linked
from simulator.validation.envoy_values import Refused, quoted, scalar, wrong_kind
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
_WITH_VALUE = frozenset(
    f"google.protobuf.{name}"
    for name in (
        *("Any", "Duration", "Timestamp", "Struct", "Value", "ListValue", "BoolValue", "StringValue", "BytesValue"),
        *("Int32Value", "UInt32Value", "Int64Value", "UInt64Value", "FloatValue", "DoubleValue"),
    )
)
"""Messages with a special JSON form, which an Any holds under `value`."""


@cache
def deprecated_names() -> Mapping[str, str]:
    """Return the names of filters before Envoy 1.14 → their present names."""
    names = {f"envoy.{name}": f"envoy.filters.http.{name}" for name in _HTTP.split()}
    names |= {f"envoy.listener.{name}": f"envoy.filters.listener.{name}" for name in _LISTENER.split()}
    return names | {f"envoy.{name}": f"envoy.filters.network.{name}" for name in _NETWORK.split()} | _OTHER


def problems_of(message: str, value: Json) -> Problems:
    """Check a value against a message type; yields one problem at most, since Go's parser stops at the first."""
    try:
        _message(message, value, strict=False)
    except Refused as refused:
        yield error(_hinted(f"Envoy filter: {refused}"))
        return
    try:
        _message(message, value, strict=True)
    except Refused as refused:
        yield warning(f"Envoy filter: {refused}")


def _hinted(text: str) -> str:
    if "could not resolve Any message type" not in text:
        return text
    hint = " (hint: try using the v3 XDS API)" if ".v2." in text else ""
    return f"referenced type unknown{hint}: {text}"


def _message(message: str, value: Any, *, strict: bool) -> None:
    if value is None:
        return
    if not isinstance(value, dict):
        raise wrong_kind(value, "map[string]json.RawMessage")
    known = envoy_types.fields(message)
    for field in dict.fromkeys(known.values()):
        for spelling in {name: None for name in value if known.get(name) is field}:
            if value[spelling] is not None:
                _field(field, value[spelling], strict=strict)
    unknown = sorted(name for name in value if name not in known)
    if strict and unknown:
        raise Refused(f"unknown field {quote(unknown[0])} in {message}")


def _field(field: FieldType, value: Any, *, strict: bool) -> None:
    if field.map:
        if not isinstance(value, dict):
            raise wrong_kind(value, "map[string]json.RawMessage")
        items = list(value.values())
    elif field.repeated:
        if not isinstance(value, list):
            raise wrong_kind(value, "[]json.RawMessage")
        items = value
    else:
        items = [value]
    for item in items:
        _single(field.kind, item, strict=strict)


def _single(kind: str, value: Any, *, strict: bool) -> None:
    if kind[0] == "m":
        _message(envoy_types.message_name(kind), value, strict=strict)
    elif kind[0] == "A":
        _any(value, strict=strict)
    elif kind[0] == "e":
        _enum(kind, value)
    elif value is not None:
        scalar(kind, value)


def _enum(kind: str, value: Any) -> None:
    if isinstance(value, str):
        if value not in envoy_types.enum_names(kind).values():
            raise Refused(f"unknown value {quote(quoted(value))} for enum {envoy_types.enum_name(kind)}")
    elif value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1):
        raise wrong_kind(value, "protoreflect.EnumNumber")


def _any(value: Any, *, strict: bool) -> None:
    if value is None:
        return
    if not isinstance(value, dict):
        raise wrong_kind(value, "map[string]json.RawMessage")
    if "@type" not in value:
        raise Refused("Any JSON doesn't have '@type'")
    url = value["@type"] or ""
    if not isinstance(url, str):
        raise Refused(f"can't unmarshal Any's '@type': {quote(quoted(url))}")
    name = url.rpartition("/")[2]
    if not is_linked(name):
        raise Refused(f"could not resolve Any message type: {url}")
    if name in _WITH_VALUE:
        if "value" not in value:
            raise Refused("Any JSON doesn't have 'value'")
    elif envoy_types.knows(name):
        try:
            _message(name, {key: item for key, item in value.items() if key != "@type"}, strict=strict)
        except Refused as refused:
            raise Refused(f"can't unmarshal Any nested proto {url}: {refused}") from None


def without_typed_config(message: str, value: Any) -> Iterator[str]:
    """Yield the names of extensions without a typed configuration: Envoy no longer finds extensions by name."""
    if not isinstance(value, dict):
        return
    known = envoy_types.fields(message)
    given = {known[key].name: item for key, item in value.items() if key in known and item is not None}
    for field in dict.fromkeys(known.values()):
        if field.name in given and field.kind[0] == "m" and not field.map and not field.repeated:
            yield from without_typed_config(envoy_types.message_name(field.kind), given[field.name])
    if "typed_config" in known and not {"typed_config", "config_discovery"} & given.keys():
        yield str(given.get("name", ""))
