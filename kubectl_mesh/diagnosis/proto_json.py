"""Envoy documents in the spelling istioctl prints: camelCase field names, keys of maps and free-form values untouched.

Envoy's admin interface prints proto-JSON with snake_case names, protobuf's own printers camelCase. Which keys are names
of fields and which are data is the schema's knowledge; the lists hold every map and Struct field of Envoy's v3 API that
a config dump can contain.
"""

from functools import lru_cache
from typing import Any

from simulator.model.wire import Json

_STRUCTS = frozenset(
    {
        "aws",
        "base",
        "default_subset",
        "filter_context",
        "filter_metadata",
        "json_format",
        "layer",
        "static_layer",
        "transport_socket_match_criteria",
        "typed_json_format",
    }
)
_MAPS = frozenset(
    {
        "allowed_capabilities",
        "certificate_provider_instances",
        "cluster_min_healthy_percentages",
        "context_extensions",
        "dynamic_parameters",
        "initial_resource_versions",
        "key_values",
        "map",
        "named_endpoints",
        "named_metrics",
        "params",
        "per_filter_config",
        "policies",
        "providers",
        "request_cost",
        "requirement_map",
        "secrets",
        "source_codes",
        "typed_extension_protocol_options",
        "typed_filter_metadata",
        "typed_per_filter_config",
        "utilization",
    }
)
_METADATA_FIELDS = frozenset({"filter_metadata", "typed_filter_metadata"})
_FREE_TYPES = ("TypedStruct", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue")


def camel_case(document: Any) -> Any:
    """Return a document (an object, a list or a value) with camelCase names; what is camelCase already stays."""
    if isinstance(document, dict):
        return _object(document)
    if isinstance(document, list):
        return [camel_case(item) for item in document]
    return document


def _object(document: Json) -> Json:
    free = str(document.get("@type", "")).endswith(_FREE_TYPES) or "type_url" in document
    result: Json = {}
    for key, value in document.items():
        if key in _STRUCTS or (key == "value" and free) or _is_struct(key, value, document):
            result[_name(key)] = value
        elif key in _MAPS and isinstance(value, dict):
            result[_name(key)] = {entry: camel_case(item) for entry, item in value.items()}
        else:
            result[_name(key)] = camel_case(value)
    return result


def _is_struct(key: str, value: Any, parent: Json) -> bool:
    """Tell the fields that are free-form in one message and a message in another."""
    if not isinstance(value, dict):
        return False
    if key == "metadata":  # free-form in a node and in a build version, a message with two fields elsewhere
        return not value.keys() <= _METADATA_FIELDS
    return key == "match" and "transport_socket" in parent


@lru_cache(maxsize=4096)
def _name(key: str) -> str:
    if "_" not in key or key.startswith("@"):
        return key
    first, *rest = key.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
