"""Protobuf messages of proto-JSON documents: the packages of types nested as `Any` are imported when they occur.

Istio's own two types are not in xds-protos and are declared here with the numbers of their fields.
istio.io/api: envoy/extensions/stats/config.proto; istio/proxy: source/extensions/filters/http/alpn/config.proto.
"""

import copy
import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any

from simulator.model.wire import Json

_WELL_KNOWN = ("any", "duration", "empty", "struct", "timestamp", "wrappers")
_S, _B, _M, _E = "TYPE_STRING", "TYPE_BOOL", "TYPE_MESSAGE", "TYPE_ENUM"
_DURATION, _METRIC = ".google.protobuf.Duration", ".stats.MetricConfig"
_ALPN = "istio.envoy.config.filter.http.alpn.v2alpha1"
_Field = tuple[str, int, str, str, bool]
_STATS: tuple[_Field, ...] = (
    ("debug", 1, _B, "", False),
    ("max_peer_cache_size", 2, "TYPE_INT32", "", False),
    ("stat_prefix", 3, _S, "", False),
    ("field_separator", 4, _S, "", False),
    ("value_separator", 5, _S, "", False),
    ("disable_host_header_fallback", 6, _B, "", False),
    ("tcp_reporting_duration", 7, _M, _DURATION, False),
    ("metrics", 8, _M, _METRIC, True),
    ("reporter", 10, _E, ".stats.Reporter", False),
    ("rotation_interval", 11, _M, _DURATION, False),
    ("graceful_deletion_interval", 12, _M, _DURATION, False),
)
_METRIC_FIELDS: tuple[_Field, ...] = (
    ("dimensions", 1, _M, f"{_METRIC}.DimensionsEntry", True),
    ("name", 2, _S, "", False),
    ("tags_to_remove", 3, _S, "", True),
    ("match", 4, _S, "", False),
    ("drop", 5, _B, "", False),
)


def to_any(document: Json) -> Any:
    """Return the packed message of a document that has an `@type`; fields that its schema lacks are left out."""
    from google.protobuf import any_pb2, json_format

    _add_istio_types()
    for name in set(_types(document)):
        _import_package(name)
    own = copy.deepcopy(document)  # the parser removes `@type` from what it reads, and dumps are shared
    return json_format.ParseDict(own, any_pb2.Any(), ignore_unknown_fields=True)


def _types(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("@type"), str):
            yield value["@type"].rpartition("/")[2]
        for each in value.values():
            yield from _types(each)
    elif isinstance(value, list):
        for each in value:
            yield from _types(each)


@cache
def _import_package(message: str) -> None:
    package = message.rpartition(".")[0]
    while package.rpartition(".")[2][:1].isupper():
        package = package.rpartition(".")[0]
    if package in ("google.protobuf", "stats", _ALPN):
        return
    try:
        parent = importlib.import_module(package)
    except ModuleNotFoundError:
        return
    for module in pkgutil.iter_modules(parent.__path__):
        if module.name.endswith("_pb2"):
            importlib.import_module(f"{package}.{module.name}")


@cache
def _add_istio_types() -> None:
    from google.protobuf import descriptor_pb2, descriptor_pool

    for module in _WELL_KNOWN:
        importlib.import_module(f"google.protobuf.{module}_pb2")
    pool = descriptor_pool.Default()
    for make, message in ((_stats_file, "stats.PluginConfig"), (_alpn_file, f"{_ALPN}.FilterConfig")):
        try:
            pool.FindMessageTypeByName(message)
        except KeyError:
            pool.AddSerializedFile(make(descriptor_pb2.FileDescriptorProto()).SerializeToString())


def _message(parent: Any, name: str, fields: tuple[_Field, ...]) -> Any:
    message = parent.add(name=name)
    for field, number, kind, type_name, repeated in fields:
        added = message.field.add(name=field, number=number, type=kind)
        if type_name:
            added.type_name = type_name
        added.label = "LABEL_REPEATED" if repeated else "LABEL_OPTIONAL"
    return message


def _enum(parent: Any, name: str, values: tuple[str, ...]) -> None:
    enum = parent.add(name=name)
    for number, value in enumerate(values):
        enum.value.add(name=value, number=number)


def _stats_file(file: Any) -> Any:
    file.name, file.package, file.syntax = "simulator/stats.proto", "stats", "proto3"
    file.dependency.append("google/protobuf/duration.proto")
    _enum(file.enum_type, "Reporter", ("UNSPECIFIED", "SERVER_GATEWAY"))
    metric = _message(file.message_type, "MetricConfig", _METRIC_FIELDS)
    entry = _message(metric.nested_type, "DimensionsEntry", (("key", 1, _S, "", False), ("value", 2, _S, "", False)))
    entry.options.map_entry = True
    _message(file.message_type, "PluginConfig", _STATS)
    return file


def _alpn_file(file: Any) -> Any:
    file.name, file.package, file.syntax = "simulator/alpn.proto", _ALPN, "proto3"
    override = f".{_ALPN}.FilterConfig.AlpnOverride"
    config = _message(file.message_type, "FilterConfig", (("alpn_override", 1, _M, override, True),))
    _enum(config.enum_type, "Protocol", ("HTTP10", "HTTP11", "HTTP2"))
    protocol = f".{_ALPN}.FilterConfig.Protocol"
    fields = (("upstream_protocol", 1, _E, protocol, False), ("alpn_override", 2, _S, "", True))
    _message(config.nested_type, "AlpnOverride", fields)
    return file
