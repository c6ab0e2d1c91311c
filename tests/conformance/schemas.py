"""Protobuf schemas for tests: Envoy's from xds-protos, loaded per package on demand, and the two Istio types it lacks.

Importing every module costs seconds; a type's name tells its package, so only packages that occur are imported.
"""

import importlib
import pkgutil
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

TYPE_PREFIX = "type.googleapis.com/"
RESOURCE_TYPES = {
    "listeners": "envoy.config.listener.v3.Listener",
    "clusters": "envoy.config.cluster.v3.Cluster",
    "routes": "envoy.config.route.v3.RouteConfiguration",
    "endpoints": "envoy.config.endpoint.v3.ClusterLoadAssignment",
    "extensions": "envoy.config.core.v3.TypedExtensionConfig",
}
_WELL_KNOWN = ("any", "duration", "struct", "wrappers", "timestamp", "empty")

# Field numbers do not matter here: only the JSON form is read. S, B, M, E: string, bool, message, enum.
_ISTIO_FILES = (
    """
    name: "conformance/stats.proto" package: "stats" syntax: "proto3" dependency: "google/protobuf/duration.proto"
    enum_type { name: "Reporter" value { name: "UNSPECIFIED" number: 0 } value { name: "SERVER_GATEWAY" number: 1 } }
    message_type { name: "MetricConfig"
      nested_type { name: "DimensionsEntry" options { map_entry: true }
        field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
        field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING } }
      field { name: "dimensions" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE
              type_name: ".stats.MetricConfig.DimensionsEntry" }
      field { name: "name" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
      field { name: "tags_to_remove" number: 3 label: LABEL_REPEATED type: TYPE_STRING }
      field { name: "match" number: 4 label: LABEL_OPTIONAL type: TYPE_STRING }
      field { name: "drop" number: 5 label: LABEL_OPTIONAL type: TYPE_BOOL } }
    message_type { name: "PluginConfig"
      field { name: "disable_host_header_fallback" number: 6 label: LABEL_OPTIONAL type: TYPE_BOOL }
      field { name: "tcp_reporting_duration" number: 7 label: LABEL_OPTIONAL type: TYPE_MESSAGE
              type_name: ".google.protobuf.Duration" }
      field { name: "metrics" number: 8 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".stats.MetricConfig" }
      field { name: "reporter" number: 10 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".stats.Reporter" }
      field { name: "rotation_interval" number: 11 label: LABEL_OPTIONAL type: TYPE_MESSAGE
              type_name: ".google.protobuf.Duration" }
      field { name: "graceful_deletion_interval" number: 12 label: LABEL_OPTIONAL type: TYPE_MESSAGE
              type_name: ".google.protobuf.Duration" } }
    """,
    """
    name: "conformance/alpn.proto" package: "istio.envoy.config.filter.http.alpn.v2alpha1" syntax: "proto3"
    message_type { name: "FilterConfig"
      enum_type { name: "Protocol" value { name: "HTTP10" number: 0 } value { name: "HTTP11" number: 1 }
                  value { name: "HTTP2" number: 2 } }
      nested_type { name: "AlpnOverride"
        field { name: "upstream_protocol" number: 1 label: LABEL_OPTIONAL type: TYPE_ENUM
                type_name: ".istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig.Protocol" }
        field { name: "alpn_override" number: 2 label: LABEL_REPEATED type: TYPE_STRING } }
      field { name: "alpn_override" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE
              type_name: ".istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig.AlpnOverride" } }
    """,
)


@cache
def descriptor(name: str) -> Any:
    """Return the descriptor of a message type; raises KeyError for an unknown one."""
    _add_istio_types()
    package = name.rpartition(".")[0]
    while package.rpartition(".")[2][:1].isupper():
        package = package.rpartition(".")[0]
    _import_package(package)
    return descriptor_pool.Default().FindMessageTypeByName(name)


@cache
def _import_package(package: str) -> None:
    if package.startswith("google.") or package in ("stats", "istio"):
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
    for module in _WELL_KNOWN:
        importlib.import_module(f"google.protobuf.{module}_pb2")
    for text in _ISTIO_FILES:
        file = text_format.Parse(text, descriptor_pb2.FileDescriptorProto())
        if not _is_known(f"{file.package}.{file.message_type[-1].name}"):
            descriptor_pool.Default().AddSerializedFile(file.SerializeToString())


def _is_known(message: str) -> bool:
    # One pool holds the types of the whole process; the served xDS interface declares these two as well.
    try:
        descriptor_pool.Default().FindMessageTypeByName(message)
    except KeyError:
        return False
    return True


def message_class(name: str) -> Any:
    """Return the message class of a type."""
    return message_factory.GetMessageClass(descriptor(name))
