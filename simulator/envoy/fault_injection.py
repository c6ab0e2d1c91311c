"""The fault filter: delays and aborts, by chance or as the client's headers ask.

Envoy: source/extensions/filters/http/fault/fault_filter.cc, source/extensions/filters/common/fault/fault_config.cc.
"""

from simulator.envoy.chance import happens, percent
from simulator.envoy.documents import child, children, integer, seconds, text, texts
from simulator.envoy.filter_outcomes import Filter, Outcome, answer, step_of
from simulator.envoy.headers import matches_header
from simulator.envoy.route_match import Context
from simulator.model.traces import Disposition, Step
from simulator.model.wire import Json


def inject_fault(item: Filter, context: Context) -> Outcome:
    """Apply the fault filter: delay the request, then abort it."""
    config = next(iter(item.overrides), item.config)
    if not _applies(config, item, context):
        return Outcome(context=context)
    steps: list[Step] = []
    delayed = False
    delay = child(config, "delay")
    if fixed := seconds(delay, "fixed_delay"):
        words = f"delays {fixed:g}s", f"may delay {fixed:g}s"
        step, delayed = _injected(item, context, config, delay, words, delay=fixed)
        steps.append(step)
    abort = _abort(child(config, "abort"), context)
    if not abort:
        return Outcome(context=context, steps=tuple(steps))
    code = f"gRPC {integer(abort, 'grpc_status')}" if "grpc_status" in abort else str(integer(abort, "http_status"))
    step, aborted = _injected(item, context, config, abort, (f"aborts with {code}", f"may abort with {code}"))
    steps.append(step)
    if not aborted:
        return Outcome(context=context, steps=tuple(steps))
    verdict = answer(
        Disposition.FAULT_ABORTED,
        context,
        details="fault_filter_abort",
        body="fault filter abort",
        status=200 if "grpc_status" in abort else integer(abort, "http_status"),
        flags="DI,FI" if delayed else "FI",
    )
    return Outcome(context=context, steps=tuple(steps), verdict=verdict)


def _injected(
    item: Filter, context: Context, config: Json, fault: Json, words: tuple[str, str], **details: float
) -> tuple[Step, bool]:
    """Record a delay or an abort, and tell whether it happens; `words` say that it does, and that it may."""
    chance = percent(child(fault, "percentage"))
    happened = happens(chance, context.random)
    step = step_of(
        item,
        chosen=f"fault: {words[0] if happened else words[1]}",
        because=f"for {chance:g} % of requests",
        document=config,
        **details,
        percent=chance,
    )
    return step, happened


def _applies(config: Json, item: Filter, context: Context) -> bool:
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
