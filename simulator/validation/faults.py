"""Rules of injected faults. istio: validateHTTPFaultInjection in pkg/config/validation/validation.go."""

from simulator.model.go_text import quote
from simulator.model.grpc_statuses import GRPC_STATUSES
from simulator.model.wire import Json
from simulator.validation import names
from simulator.validation.problems import Problems, at, error


def fault(given: Json | None) -> Problems:
    """Check an injected fault. An abort without a status passes: Istio drops that warning."""
    if given is None:
        return
    abort, delay = given.get("abort"), given.get("delay")
    if abort is None and delay is None:
        yield error("HTTP fault injection must have an abort and/or a delay")
    if abort is not None:
        yield from at(("abort",), _abort(abort))
    if delay is not None:
        yield from at(("delay",), _percentage(delay.get("percentage")))
        for field in ("fixedDelay", "exponentialDelay"):
            if delay.get(field) is not None:
                yield from at(("delay", field), names.duration(delay[field]))
        if delay.get("exponentialDelay") is not None:
            yield error("exponentialDelay not supported yet", "delay", "exponentialDelay")


def _abort(abort: Json) -> Problems:
    yield from _percentage(abort.get("percentage"))
    if abort.get("grpcStatus") is not None:
        if abort["grpcStatus"] not in GRPC_STATUSES:
            yield error(
                f"gRPC status {quote(abort['grpcStatus'])} is not supported. See "
                "https://github.com/grpc/grpc/blob/master/doc/statuscodes.md for a list of supported codes, for "
                "example 'NOT_FOUND'",
                "grpcStatus",
            )
    elif abort.get("http2Error") is not None:
        yield error("HTTP/2 abort fault injection not supported yet", "http2Error")
    elif abort.get("httpStatus") is not None:
        yield from at(("httpStatus",), http_status(abort["httpStatus"]))


def http_status(status: int) -> Problems:
    """Check the status of a response."""
    if not 200 <= status <= 600:
        yield error(f"HTTP status {status} is not in range 200-599")


def _percentage(percentage: Json | None) -> Problems:
    value = (percentage or {}).get("value") or 0
    if not (value == 0 or 0.0001 <= value <= 100):
        yield error(f"percentage {value:g} is neither 0.0, nor in range [0.0001, 100.0]", "percentage")
