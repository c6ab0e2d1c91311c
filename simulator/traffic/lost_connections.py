"""What an HTTP proxy answers when the connection that it opened, or tried to open, is lost before a response.

Envoy: source/common/router/router.cc (onUpstreamReset), source/common/http/conn_pool_base.cc: a connection lost before
its handshake is complete was never made; one lost after it was terminated.
Flags and texts were observed with Envoy 1.40.
"""

from collections.abc import Sequence
from dataclasses import replace

from simulator.model.requests import Tls
from simulator.model.traces import Disposition, Hop, StepKind, Verdict

_CLOSED = frozenset(
    {
        Disposition.DENIED,
        Disposition.NO_FILTER_CHAIN,
        Disposition.NO_LISTENER,
        Disposition.PROTOCOL_MISMATCH,
        Disposition.TLS_MISMATCH,
        Disposition.UNREACHABLE,
    }
)
"""Ends of a connection that an HTTP proxy before it answers for."""
_BEFORE_HANDSHAKE = frozenset({Disposition.TLS_MISMATCH, Disposition.NO_FILTER_CHAIN})
_RETRIED = frozenset({"connect-failure", "5xx", "gateway-error", "reset"})
"""Conditions of a retry policy that cover connections that could not be made."""


def answered(verdict: Verdict, hops: Sequence[Hop]) -> Verdict:
    """Return how the client sees an end: the nearest HTTP proxy before it answers 503 for a lost connection."""
    if verdict.disposition not in _CLOSED or verdict.status is not None:
        return verdict
    reached = hops[-1] if hops and hops[-1].verdict is verdict else None
    before = hops[:-1] if reached is not None else hops
    answering = next((hop for hop in reversed(before) if hop.step(StepKind.HTTP_CONNECTION)), None)
    if answering is None:
        return verdict
    made = _was_made(answering, reached, verdict.disposition, direct=answering is before[-1])
    reason = "connection termination" if made else "remote connection failure"
    retried = not made and _retries_connecting(answering)
    flags = "UC" if made else "URX,UF" if retried else "UF"
    text = f"{'retried and the latest ' if retried else ''}reset reason: {reason}"
    return replace(
        verdict,
        status=503,
        flags=flags,
        details=f"upstream_reset_before_response_started{{{reason.replace(' ', '_')}}}",
        body=f"upstream connect error or disconnect/reset before headers. {text}",
    )


def _was_made(answering: Hop, reached: Hop | None, end: Disposition, *, direct: bool) -> bool:
    """Tell whether the answering proxy had its connection, handshake included, before it was lost."""
    forwarded = answering.forwarded
    if forwarded is None:
        return False
    if not direct or forwarded.tunnel:
        return True
    if end in (Disposition.UNREACHABLE, Disposition.NO_LISTENER):
        return False
    if forwarded.tls is Tls.NONE or end not in _BEFORE_HANDSHAKE:
        return True
    # a client of TLS 1.3 is done with its handshake before the server misses its certificate
    return reached is not None and reached.step(StepKind.TRANSPORT) is not None


def _retries_connecting(hop: Hop) -> bool:
    route = hop.step(StepKind.ROUTE)
    policy = route.details.get("retries") if route is not None else None
    if not policy or not policy.get("attempts"):
        return False
    return bool(_RETRIED & set(str(policy.get("on", "")).split(",")))
