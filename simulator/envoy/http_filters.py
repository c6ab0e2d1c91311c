"""The HTTP filters that decide: CORS, fault injection, tokens, RBAC; and a note for each that cannot be predicted.

Envoy: source/extensions/filters/http/{cors,fault,jwt_authn,rbac}. A filter's configuration comes from the most
specific of weighted cluster, route and virtual host, found by the filter's name, and from the filter itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.envoy.chance import happens, percent, runtime_percent
from simulator.envoy.documents import child, children, flag, integer, mapping, package, seconds, text, texts, unpack
from simulator.envoy.headers import matches_header
from simulator.envoy.jwt_authn import authenticate
from simulator.envoy.rbac import Judgement, judge, judge_matcher
from simulator.envoy.route_match import Context
from simulator.envoy.strings import matches_metadata, matches_string
from simulator.model.traces import Disposition, Step, StepKind, Verdict
from simulator.model.wire import Json

RBAC_METADATA = "envoy.filters.http.rbac"
JWT_METADATA = "envoy.filters.http.jwt_authn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one filter did: a step to record, an answer in place of the destination, a changed context."""

    context: Context
    steps: tuple[Step, ...] = ()
    verdict: Verdict | None = None
    reroutes: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One HTTP filter: its name, message type, own configuration, and those of the route's levels, nearest first."""

    name: str
    kind: str
    config: Json
    overrides: tuple[Json, ...] = ()
    disabled: bool = field(default=False)
    cluster: str | None = None
    """Where the route leads; None when the proxy answers itself."""


def configured(
    manager: Json, levels: Sequence[Json], extensions: Mapping[str, Json], *, cluster: str | None
) -> Iterator[Filter]:
    """Yield the filters of an HttpConnectionManager in order; `levels` are the nearest route level first."""
    for document in children(manager, "http_filters"):
        name = text(document, "name")
        config = child(document, "typed_config")
        if "config_discovery" in document:
            config = child(extensions.get(name, {}), "typed_config")
        overrides: list[Json] = []
        disabled = flag(document, "disabled")
        for level in levels:
            override = mapping(level, "typed_per_filter_config").get(name)
            if override is None:
                continue
            kind, content = unpack(override)
            if kind == "FilterConfig" and package(override) == "envoy.config.route.v3.FilterConfig":
                disabled = flag(content, "disabled")
                content = unpack(child(content, "config"))[1]
            overrides.append(content)
        yield Filter(
            name=name,
            kind=package(config),
            config=unpack(config)[1],
            overrides=tuple(overrides),
            disabled=disabled,
            cluster=cluster,
        )


def run(item: Filter, context: Context) -> Outcome:
    """Run one filter."""
    handler = _HANDLERS.get(item.kind)
    if item.disabled or item.kind in _NEUTRAL:
        return Outcome(context=context)
    if handler is None:
        return Outcome(context=context, notes=(f"HTTP filter {item.name} is not simulated: taken to let it pass",))
    return handler(item, context)


def _answer(
    disposition: Disposition, context: Context, *, status: int, details: str, body: str, flags: str = ""
) -> Verdict:
    """Return an answer in place of the destination's: gRPC clients get 200 and the error in headers."""
    grpc = context.message.is_grpc
    return Verdict(
        disposition=disposition, status=200 if grpc else status, details=details, flags=flags, body="" if grpc else body
    )


def _step(item: Filter, *, chosen: str, because: str, document: Json | None = None, **details: Any) -> Step:
    return Step(
        kind=StepKind.HTTP_FILTER,
        chosen=chosen,
        because=because,
        details={"filter": item.name, **details},
        document=document if document is not None else item.config,
    )


def _cors(item: Filter, context: Context) -> Outcome:
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
            return _cors_answer(item, context, because, policy={}, origin=origin)
        step = _step(
            item, chosen="cors: origin not allowed", because=f"no rule allows origin {origin}", document=policy
        )
        return Outcome(context=context, steps=(step,))
    if preflight:
        because = f"a preflight from the allowed origin {origin}"
        return _cors_answer(item, context, because, policy=policy, origin=origin)
    step = _step(item, chosen="cors: origin allowed", because=f"origin {origin}", document=policy, origin=origin)
    return Outcome(context=context, steps=(step,))


def _cors_answer(item: Filter, context: Context, because: str, *, policy: Json, origin: str) -> Outcome:
    verdict = Verdict(disposition=Disposition.CORS_ANSWERED, status=200, details="cors_response")
    step = _step(item, chosen="cors: answered", because=because, document=policy, origin=origin)
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


def _fault(item: Filter, context: Context) -> Outcome:
    config = next(iter(item.overrides), item.config)
    if not _fault_applies(config, item, context):
        return Outcome(context=context)
    steps: list[Step] = []
    delayed = False
    delay = child(config, "delay")
    if fixed := seconds(delay, "fixed_delay"):
        words = f"delays {fixed:g}s", f"may delay {fixed:g}s"
        step, delayed = _fault_step(item, context, config, delay, words, delay=fixed)
        steps.append(step)
    abort = _abort(child(config, "abort"), context)
    if not abort:
        return Outcome(context=context, steps=tuple(steps))
    code = f"gRPC {integer(abort, 'grpc_status')}" if "grpc_status" in abort else str(integer(abort, "http_status"))
    step, aborted = _fault_step(item, context, config, abort, (f"aborts with {code}", f"may abort with {code}"))
    steps.append(step)
    if not aborted:
        return Outcome(context=context, steps=tuple(steps))
    verdict = _answer(
        Disposition.FAULT_ABORTED,
        context,
        details="fault_filter_abort",
        body="fault filter abort",
        status=200 if "grpc_status" in abort else integer(abort, "http_status"),
        flags="DI,FI" if delayed else "FI",
    )
    return Outcome(context=context, steps=tuple(steps), verdict=verdict)


def _fault_step(
    item: Filter, context: Context, config: Json, fault: Json, words: tuple[str, str], **details: float
) -> tuple[Step, bool]:
    """Record a delay or an abort, and tell whether it happens; `words` say that it does, and that it may."""
    chance = percent(child(fault, "percentage"))
    happened = happens(chance, context.random)
    step = _step(
        item,
        chosen=f"fault: {words[0] if happened else words[1]}",
        because=f"for {chance:g} % of requests",
        document=config,
        **details,
        percent=chance,
    )
    return step, happened


def _fault_applies(config: Json, item: Filter, context: Context) -> bool:
    message, nodes = context.message, texts(config, "downstream_nodes")
    return (
        all(matches_header(matcher, message) for matcher in children(config, "headers"))
        and text(config, "upstream_cluster") in ("", item.cluster)
        and (not nodes or message.value("x-envoy-downstream-service-node") in nodes)
        and integer(config, "max_active_faults", 1) > 0
    )


def _abort(abort: Json, context: Context) -> Json:
    """Return an abort with its status; where the client's headers name that, without one when they do not."""
    if "header_abort" not in abort:
        return abort
    for field_name, header in (
        ("http_status", "x-envoy-fault-abort-request"),
        ("grpc_status", "x-envoy-fault-abort-grpc-request"),
    ):
        asked = context.message.value(header) or ""
        if asked.isascii() and asked.isdigit():
            return {field_name: int(asked), "percentage": child(abort, "percentage")}
    return {}


def _jwt(item: Filter, context: Context) -> Outcome:
    found = authenticate(item.config, context)
    if found is None:
        return Outcome(context=context)
    if found.error:
        details = f"jwt_authn_access_denied{{{found.error.replace(' ', '_')}}}"
        verdict = _answer(Disposition.UNAUTHENTICATED, context, status=found.status, details=details, body=found.error)
        return Outcome(
            context=context, steps=(_step(item, chosen="token refused", because=found.error),), verdict=verdict
        )
    if not found.provider:
        step = _step(item, chosen="no token", because="none was sent, and none is required")
        return Outcome(context=replace(context, message=found.message), steps=(step,))
    metadata = {**context.metadata, JWT_METADATA: dict(found.metadata)}
    step = _step(item, chosen=f"token accepted by {found.provider}", because=f"issuer {found.issuer}")
    note = "the token's signature was not checked"
    changed = replace(context, message=found.message, metadata=metadata)
    return Outcome(context=changed, steps=(step,), reroutes=found.reroutes, notes=(note,))


def _rbac(item: Filter, context: Context) -> Outcome:
    config = item.config
    if item.overrides:
        config = child(item.overrides[0], "rbac")
    metadata = _shadow(config, context)
    context = replace(context, metadata=metadata)
    judgement = rbac_judgement(config, context)
    if judgement is None:
        return Outcome(context=context)
    step = rbac_step(judgement, item.name)
    if judgement.allowed:
        return Outcome(context=context, steps=(step,))
    policy = (judgement.policy or "none").replace(" ", "_")
    verdict = _answer(
        Disposition.DENIED,
        context,
        status=403,
        details=f"rbac_access_denied_matched_policy[{policy}]",
        body="RBAC: access denied",
    )
    return Outcome(context=context, steps=(step,), verdict=verdict)


def rbac_judgement(config: Json, context: Context) -> Judgement | None:
    """Judge a request by the enforced rules of an RBAC filter; None when it has none."""
    if "matcher" in config:
        return judge_matcher(child(config, "matcher"), context)
    return judge(child(config, "rules"), context) if "rules" in config else None


def rbac_step(judgement: Judgement, name: str) -> Step:
    """Record a judgement."""
    word = "allowed" if judgement.allowed else "denied"
    return Step(
        kind=StepKind.RBAC,
        chosen=f"{word} by {judgement.policy}" if judgement.policy else word,
        because=judgement.because,
        rejected=judgement.rejected,
        details={"filter": name, "policy": judgement.policy, "allowed": judgement.allowed},
        document=judgement.document,
    )


def _shadow(config: Json, context: Context) -> dict[str, Any]:
    """Return the metadata with what the shadow rules found, which other filters may act upon."""
    judgement: Judgement | None = None
    if "shadow_matcher" in config:
        judgement = judge_matcher(child(config, "shadow_matcher"), context)
    elif "shadow_rules" in config:
        judgement = judge(child(config, "shadow_rules"), context)
    if judgement is None:
        return dict(context.metadata)
    prefix = text(config, "shadow_rules_stat_prefix")
    found = dict(context.metadata.get(RBAC_METADATA) or {})
    found[f"{prefix}shadow_engine_result"] = "allowed" if judgement.allowed else "denied"
    if judgement.policy:
        found[f"{prefix}shadow_effective_policy_id"] = judgement.policy
    return {**context.metadata, RBAC_METADATA: found}


def _ext_authz(item: Filter, context: Context) -> Outcome:
    config = item.config
    if "filter_enabled_metadata" in config and not matches_metadata(
        child(config, "filter_enabled_metadata"), context.metadata
    ):
        return Outcome(context=context)
    step = _step(
        item, chosen="external authorization", because="the answer of the service is not known: taken to allow"
    )
    return Outcome(
        context=context, steps=(step,), notes=(f"{item.name} asks a service outside the proxy: taken to allow",)
    )


_HTTP = "envoy.extensions.filters.http."
_HANDLERS = {
    f"{_HTTP}cors.v3.Cors": _cors,
    f"{_HTTP}fault.v3.HTTPFault": _fault,
    f"{_HTTP}jwt_authn.v3.JwtAuthentication": _jwt,
    f"{_HTTP}rbac.v3.RBAC": _rbac,
    f"{_HTTP}ext_authz.v3.ExtAuthz": _ext_authz,
}
_NEUTRAL = frozenset(
    {
        "",
        f"{_HTTP}router.v3.Router",
        f"{_HTTP}grpc_stats.v3.FilterConfig",
        f"{_HTTP}grpc_web.v3.GrpcWeb",
        f"{_HTTP}set_filter_state.v3.Config",
        f"{_HTTP}compressor.v3.Compressor",
        f"{_HTTP}stateful_session.v3.StatefulSession",
        "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
        "io.istio.http.peer_metadata.Config",
        "stats.PluginConfig",
    }
)
"""Filters that neither answer nor change what is matched later."""
