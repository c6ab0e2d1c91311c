"""The timeout that a route tells a gRPC server.

Envoy: source/common/router/router.cc (FilterUtility::finalTimeout, setTimeoutHeaders), source/common/grpc/common.cc.
"""

import re

from simulator.envoy.documents import child, seconds
from simulator.envoy.headers import Message
from simulator.model.wire import Json

_SPELT = re.compile(r"(\d{1,8})([HMSmun])")
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def with_grpc_timeout(message: Message, action: Json, retry_policy: Json) -> Message:
    """Return a gRPC request with the `grpc-timeout` that its route makes of it; any other as it is."""
    most = seconds(action, "max_grpc_timeout")
    if most is None or not message.is_grpc:
        return message
    asked = _SPELT.fullmatch(message.value("grpc-timeout") or "")
    total = int(asked[1]) * _UNITS[asked[2]] if asked else 0.0
    if most and (total > most or not total):
        total = most
    per_try = seconds(retry_policy, "per_try_timeout") or 0.0
    expected = per_try if per_try and (not total or per_try < total) else total
    if not expected:
        return message
    return message.with_field("grpc-timeout", f"{round(expected * 1000)}m")


def retry_policy_of(action: Json, virtual_host: Json) -> Json:
    """Return the retry policy of a route, else of its virtual host."""
    return child(action, "retry_policy") or child(virtual_host, "retry_policy")
