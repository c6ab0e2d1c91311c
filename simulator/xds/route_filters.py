"""What a route or virtual host tells HTTP filters: faults, CORS, sticky sessions.

istiod: pilot/pkg/networking/core/route/route.go (TranslateFault, TranslateCORSPolicy), networking/util/util.go
(MaybeBuildStatefulSessionFilterConfig).
"""

import json
from collections.abc import Mapping

from simulator.model.grpc_statuses import GRPC_STATUSES
from simulator.model.services import Service
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.durations import duration, nanoseconds
from simulator.xds.route_match import string_matcher

_TYPE = "type.googleapis.com/"


def percent(value: Json | None) -> Json:
    """Translate a Percent to millionths."""
    numerator = int(float((value or {}).get("value") or 0) * 10000)
    return _fraction(numerator, "MILLION")


def whole_percent(value: int) -> Json:
    """Translate a percentage without decimals to hundredths."""
    return _fraction(value, "HUNDRED")


def filter_overrides(http: Json, session: str) -> Json:
    """Return `typed_per_filter_config` of a VirtualService HTTP rule; empty when it says nothing to filters."""
    result: Json = {}
    if http.get("fault") is not None:
        result["envoy.filters.http.fault"] = _fault(http["fault"])
    if http.get("corsPolicy") is not None:
        result["envoy.filters.http.cors"] = _cors(http["corsPolicy"])
    return result | session_override(session)


def keeps_sessions(snapshot: Snapshot) -> bool:
    """Tell whether istiod heeds the labels by which a service asks for session affinity."""
    return snapshot.flag("PILOT_ENABLE_PERSISTENT_SESSION_FILTER", default=False)


def session_of(service: Service | None, flags: Mapping[str, str]) -> str:
    """Return the session affinity that a service's labels ask for, as canonical JSON; empty for none."""
    if service is None:
        return ""
    cookie = service.labels.get(flags.get("PILOT_PERSISTENT_SESSION_LABEL", "istio.io/persistent-session"), "")
    header_label = flags.get("PILOT_PERSISTENT_SESSION_HEADER_LABEL", "istio.io/persistent-session-header")
    header = service.labels.get(header_label, "")
    if cookie:
        name, colon, path = cookie.partition(":")
        state: Json = {"cookie": {"name": name, "path": path if colon else "/"}}
        return json.dumps(_state("cookie", "CookieBasedSessionState", state), sort_keys=True)
    if header:
        return json.dumps(_state("header", "HeaderBasedSessionState", {"name": header}), sort_keys=True)
    return ""


def session_override(session: str) -> Json:
    """Wrap a session affinity of `session_of` as the override of one route or virtual host."""
    if not session:
        return {}
    override = {
        "@type": f"{_TYPE}envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute",
        "stateful_session": {"session_state": json.loads(session)},
    }
    return {"envoy.filters.http.stateful_session": override}


def _state(kind: str, message: str, fields: Json) -> Json:
    message_type = f"{_TYPE}envoy.extensions.http.stateful_session.{kind}.v3.{message}"
    return {
        "name": f"envoy.http.stateful_session.{kind}",
        "typed_config": {"@type": message_type} | fields,
    }


def _fraction(numerator: int, denominator: str) -> Json:
    result: Json = {"numerator": numerator} if numerator else {}
    return result if denominator == "HUNDRED" else result | {"denominator": denominator}


def _fault(fault: Json) -> Json:
    result: Json = {"@type": f"{_TYPE}envoy.extensions.filters.http.fault.v3.HTTPFault"}
    delay, abort = fault.get("delay"), fault.get("abort")
    if delay and delay.get("fixedDelay") is not None:
        share = percent(delay["percentage"]) if delay.get("percentage") is not None else None
        result["delay"] = {
            "fixed_delay": duration(delay["fixedDelay"]),
            "percentage": share if share is not None else whole_percent(int(delay.get("percent") or 0)),
        }
    error = _abort_error(abort) if abort else {}
    if abort and error:
        if abort.get("percentage") is not None:
            error["percentage"] = percent(abort["percentage"])
        result["abort"] = error
    return result


def _abort_error(abort: Json) -> Json:
    if abort.get("httpStatus") is not None:
        return {"http_status": int(abort["httpStatus"])}
    if abort.get("grpcStatus") is not None:
        return {"grpc_status": _grpc_code(abort["grpcStatus"])}
    return {}


def _grpc_code(name: str) -> int:
    return GRPC_STATUSES.index(name) if name in GRPC_STATUSES else 0


def _cors(cors: Json) -> Json:
    result: Json = {
        "@type": f"{_TYPE}envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "filter_enabled": {"default_value": whole_percent(100)},
        "forward_not_matching_preflights": cors.get("unmatchedPreflights") != "IGNORE",
    }
    if cors.get("allowOrigins") is not None:
        origins = [matcher for matcher in map(string_matcher, cors["allowOrigins"]) if matcher]
    else:
        origins = [{"exact": origin} for origin in cors.get("allowOrigin") or ()]
    if origins:
        result["allow_origin_string_match"] = origins
    for field, name in (("allowMethods", "allow_methods"), ("allowHeaders", "allow_headers")):
        if cors.get(field):
            result[name] = ",".join(cors[field])
    if cors.get("exposeHeaders"):
        result["expose_headers"] = ",".join(cors["exposeHeaders"])
    if cors.get("maxAge") is not None:
        result["max_age"] = str(nanoseconds(cors["maxAge"]) // 10**9)
    if cors.get("allowCredentials") is not None:
        result["allow_credentials"] = cors["allowCredentials"]
    return result
