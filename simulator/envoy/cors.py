"""The CORS filter: preflights that it answers, and origins that it allows.

Envoy: source/extensions/filters/http/cors/cors_filter.cc.
"""

from simulator.envoy.chance import happens, runtime_percent
from simulator.envoy.documents import child, children, flag, text
from simulator.envoy.filter_outcomes import Filter, Outcome, step_of
from simulator.envoy.route_match import Context
from simulator.envoy.strings import matches_string
from simulator.model.traces import Disposition, Verdict
from simulator.model.wire import Json


def answer_cors(item: Filter, context: Context) -> Outcome:
    """Apply the CORS filter: preflights are answered, other requests only marked."""
    policy = next(iter(item.overrides), None)
    origin = context.message.value("origin")
    if not policy or not origin or item.cluster is None:
        return Outcome(context=context)
    enabled = child(policy, "filter_enabled")
    if enabled and not happens(runtime_percent(enabled), context.random):
        return Outcome(context=context)
    allowed = any(
        matches_string(one, origin) or text(one, "exact") == "*"
        for one in children(policy, "allow_origin_string_match")
    )
    preflight = context.message.method == "OPTIONS" and bool(context.message.value("access-control-request-method"))
    if not allowed:
        if preflight and not flag(policy, "forward_not_matching_preflights", default=True):
            because = f"origin {origin} is not allowed, and its preflight not forwarded"
            return _answered(item, context, because, policy={}, origin=origin)
        step = step_of(
            item, chosen="cors: origin not allowed", because=f"no rule allows origin {origin}", document=policy
        )
        return Outcome(context=context, steps=(step,))
    if preflight:
        because = f"a preflight from the allowed origin {origin}"
        return _answered(item, context, because, policy=policy, origin=origin)
    step = step_of(item, chosen="cors: origin allowed", because=f"origin {origin}", document=policy, origin=origin)
    return Outcome(context=context, steps=(step,))


def _answered(item: Filter, context: Context, because: str, *, policy: Json, origin: str) -> Outcome:
    verdict = Verdict(disposition=Disposition.CORS_ANSWERED, status=200, details="cors_response")
    step = step_of(item, chosen="cors: answered", because=because, document=policy, origin=origin)
    return Outcome(context=context, steps=(step,), verdict=verdict)


def cors_fields(policy: Json, *, origin: str, preflight: bool) -> tuple[tuple[str, str], ...]:
    """Return the headers by which the CORS filter allows an origin; none without a policy, which did not allow it."""
    if not policy:
        return ()
    credentials = "true" if flag(policy, "allow_credentials") else ""
    asked = ("allow_methods", "allow_headers", "max_age") if preflight else ()
    fields = {"allow-origin": origin, "allow-credentials": credentials}
    fields |= {name.replace("_", "-"): text(policy, name) for name in (*asked, "expose_headers")}
    return tuple((f"access-control-{name}", value) for name, value in fields.items() if value)
