"""Small constructors for Envoy messages in proto-JSON.

Builders spell out what a message holds; these leave out what is unset, as Envoy's `/config_dump` does.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from simulator.model.wire import Json
from simulator.xds.durations import duration

TYPE_PREFIX = "type.googleapis.com/"


def message(**fields: Any) -> Json:
    """Return the fields that are set; false, 0 and empty messages count as set, since wrappers keep them."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], ())}


def any_message(type_name: str, **fields: Any) -> Json:
    """Return a `google.protobuf.Any` of `type_name` (without the prefix of its URL)."""
    return {"@type": TYPE_PREFIX + type_name, **message(**fields)}


def typed(name: str, type_name: str, **fields: Any) -> Json:
    """Return a named extension (filter, transport socket, logger) with its typed configuration."""
    return {"name": name, "typed_config": any_message(type_name, **fields)}


def typed_struct(name: str, type_name: str, value: Json) -> Json:
    """Return a named extension whose configuration is a free-form struct standing for `type_name`."""
    config = {"@type": TYPE_PREFIX + "udpa.type.v1.TypedStruct", "type_url": TYPE_PREFIX + type_name, "value": value}
    return {"name": name, "typed_config": config}


def address(bind: str, port: int) -> Json:
    """Return a socket address, or a pipe when `bind` is a Unix domain socket (its port is 0)."""
    if port == 0:
        return {"pipe": {"path": bind.removeprefix("unix://")}}
    return {"socket_address": {"address": bind, "port_value": port}}


def additional_addresses(binds: Iterable[str], port: int) -> list[Json]:
    """Return the further addresses of a listener or an endpoint."""
    return [{"address": address(bind, port)} for bind in binds]


def cidr_range(text: str) -> Json | None:
    """Return the CidrRange of an IP or CIDR, its address as written; None when it is neither."""
    try:
        prefix, slash, length = text.partition("/")
        ip = ipaddress.ip_address(prefix)
        return {"address_prefix": str(ip), "prefix_len": int(length) if slash else ip.max_prefixlen}
    except ValueError:
        return None


def exact_matches(values: Sequence[str]) -> list[Json]:
    """Return one exact StringMatcher per value."""
    return [{"exact": value} for value in values]


def prefix_matches(values: Sequence[str]) -> list[Json]:
    """Return one prefix StringMatcher per value."""
    return [{"prefix": value} for value in values]


def config_metadata(*, api_version: str, kind: str, namespace: str, name: str) -> Json:
    """Return the metadata by which istiod names the resource that a filter chain or route was made from."""
    kebab = "".join("-" + letter.lower() if letter.isupper() else letter for letter in kind).lstrip("-")
    return {"filter_metadata": {"istio": {"config": f"/apis/{api_version}/namespaces/{namespace}/{kebab}/{name}"}}}


def optional_duration(text: str | None) -> str | None:
    """Return a duration in proto-JSON's form, None where none is given. Raises DurationError for a malformed one."""
    return duration(text) if text else None
