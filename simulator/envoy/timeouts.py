"""The timeout that a route tells a gRPC server.

Envoy: source/common/router/router.cc (FilterUtility::finalTimeout, setTimeoutHeaders), source/common/grpc/common.cc.
"""

import re

from simulator.envoy.documents import child, seconds
from simulator.envoy.headers import Message
from simulator.model.wire import Json

_SPELT = re.compile(r"(\d{1,8}) *([HMSmun])")
_NANOSECONDS = {"H": 3_600_000_000_000, "M": 60_000_000_000, "S": 1_000_000_000, "m": 1_000_000, "u": 1_000, "n": 1}
_MILLISECONDS = (("m", 1), ("S", 1_000), ("M", 60_000), ("H", 3_600_000))
_MOST_DIGITS = 8


def with_grpc_timeout(message: Message, action: Json, retry_policy: Json) -> Message:
    """Return a gRPC request with the `grpc-timeout` that its route makes of it; any other as it is."""
    if not message.is_grpc:
        return message
    asked = asked_milliseconds(message.value("grpc-timeout") or "")
    duration = child(action, "max_stream_duration")
    if "grpc_timeout_header_max" in duration and asked is not None:
        most = round((seconds(duration, "grpc_timeout_header_max") or 0.0) * 1000)
        return message.with_field("grpc-timeout", spelt(min(asked, most) if most else asked))
    limit = seconds(action, "max_grpc_timeout")
    if limit is None or duration:
        return message
    total, most = asked or 0, round(limit * 1000)
    if most and (total > most or not total):
        total = most
    per_try = round((seconds(retry_policy, "per_try_timeout") or 0.0) * 1000)
    expected = per_try if per_try and (not total or per_try < total) else total
    return message.with_field("grpc-timeout", spelt(expected)) if expected else message


def asked_milliseconds(timeout: str) -> int | None:
    """Read a `grpc-timeout`, parts of a millisecond rounded up; None for a malformed one."""
    match = _SPELT.fullmatch(timeout)
    return -(-int(match[1]) * _NANOSECONDS[match[2]] // _NANOSECONDS["m"]) if match else None


def spelt(milliseconds: int) -> str:
    """Print a `grpc-timeout` in the smallest unit in which its number has at most eight digits."""
    for unit, size in _MILLISECONDS:
        if milliseconds // size < 10**_MOST_DIGITS:
            return f"{milliseconds // size}{unit}"
    return f"{10**_MOST_DIGITS - 1}H"


def retry_policy_of(action: Json, virtual_host: Json) -> Json:
    """Return the retry policy of a route, else of its virtual host."""
    return child(action, "retry_policy") or child(virtual_host, "retry_policy")
