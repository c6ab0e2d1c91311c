"""A trace as a person reads it: the end first, then a line per decision, in the order in which the request meets them.

DELIVERED  cart-7d9f-x2.shop gets GET http://cart:7070/items

web-5c8d-9k.shop  outbound
  listener   0.0.0.0_7070           because …                            Service/shop/cart  cart.yaml:12
"""

from collections.abc import Iterator
from typing import Any

from kubectl_mesh.render.color import Palette
from kubectl_mesh.render.terminal import printable
from kubectl_mesh.reports.trace import ForwardedReport, HopReport, StepReport, TraceReport, VerdictReport

_LABELS = {
    "name-resolution": "name",
    "capture": "capture",
    "listener": "listener",
    "listener-filters": "sniffing",
    "filter-chain": "filter chain",
    "network-filter": "filter",
    "http-connection": "http",
    "route-configuration": "routes",
    "virtual-host": "virtual host",
    "route": "route",
    "http-filter": "http filter",
    "rbac": "authorization",
    "cluster": "cluster",
    "transport": "transport",
    "endpoint": "endpoint",
}
_WIDTH = 14
_INDENT = "  "
_BELOW = _INDENT + " " * _WIDTH


def render(report: TraceReport, *, palette: Palette, verbose: bool = False) -> str:
    """Return the whole explanation; `verbose` adds what was rejected at each step."""
    lines = [*_headline(report, palette), ""]
    if report.steps:
        lines += [palette("bold", printable(report.source or "client")), *_steps(report.steps, palette, verbose), ""]
    for number, hop in enumerate(report.hops, start=1):
        lines += [*_hop(number, hop, palette, verbose), ""]
    if report.arrival:
        lines += [
            palette("bold", printable(report.destination or "arrival")),
            *_steps(report.arrival, palette, verbose),
        ]
        lines.append("")
    shown = {note for hop in report.hops for note in hop.notes}
    lines += [f"note: {printable(note)}" for note in report.notes if note not in shown]
    return "\n".join(lines).rstrip("\n") + "\n"


def _headline(report: TraceReport, palette: Palette) -> Iterator[str]:
    verdict, request = report.verdict, report.request
    style = "green" if verdict.delivered else "red"
    status = f" {verdict.status}" if verdict.status else ""
    word = palette(style, f"{verdict.disposition.upper().replace('-', ' ')}{status}")
    end = f" to {printable(report.destination)}" if report.destination else ""
    yield f"{word}{end}: {verdict.meaning}"
    yield palette("dim", f"{printable(request.method)} {printable(request.url)} from {printable(request.from_)}")


def _hop(number: int, hop: HopReport, palette: Palette, verbose: bool) -> Iterator[str]:
    yield palette("bold", f"{number} {printable(hop.proxy)}") + f"  {hop.direction}"
    yield from _steps(hop.steps, palette, verbose)
    if hop.forwarded is not None:
        yield from _forwarded(hop.forwarded, palette)
    if hop.forwarded is None or not hop.verdict.delivered:
        yield from _end(hop.verdict, palette)
    for note in hop.notes:
        yield f"{_INDENT}{'note'.ljust(_WIDTH)}{printable(note)}"


def _steps(steps: tuple[StepReport, ...], palette: Palette, verbose: bool) -> Iterator[str]:
    for step in steps:
        label = _LABELS.get(step.kind, step.kind).ljust(_WIDTH)
        because = f"  {palette('dim', printable(step.because))}" if step.because else ""
        yield f"{_INDENT}{label}{printable(step.chosen)}{because}"
        if step.source is not None:
            yield f"{_BELOW}{palette('cyan', printable(str(step.source)))}"
        for name, value in step.details.items():
            yield f"{_BELOW}{printable(name)}: {printable(_value(value))}"
        if verbose:
            for rejected in step.rejected:
                text = f"not {printable(rejected.name)}: {printable(rejected.because)}"
                yield f"{_BELOW}{palette('dim', text)}"


def _value(value: Any) -> str:
    """Write a detail: lists with commas, objects as `name value`."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _forwarded(forwarded: ForwardedReport, palette: Palette) -> Iterator[str]:
    if len(forwarded.shares) > 1:
        yield f"{_INDENT}{'shares'.ljust(_WIDTH)}{_shares(forwarded.shares)}"
    if forwarded.mirrors:
        yield f"{_INDENT}{'mirrored to'.ljust(_WIDTH)}{_shares(forwarded.mirrors)}"
    if not forwarded.address:
        return
    port = f":{forwarded.port}" if forwarded.port else ""
    workload = f" ({printable(forwarded.workload)})" if forwarded.workload else ""
    kind = {"none": "in plain text", "simple": "over TLS", "mutual": "over mutual TLS"}.get(
        forwarded.tls, forwarded.tls
    )
    tunnel = " inside HBONE" if forwarded.tunnel else ""
    arrow = palette("green", "→")
    yield f"{_INDENT}{arrow} {printable(forwarded.address)}{port}{workload} {kind}{tunnel}"
    sent = " ".join(part for part in (forwarded.method, forwarded.target) if part)
    if sent:
        host = f"  Host: {printable(forwarded.authority)}" if forwarded.authority else ""
        yield f"{_BELOW}{palette('dim', printable(sent))}{host}"


def _shares(shares: Any) -> str:
    return ", ".join(f"{share.percent:g}% {printable(share.cluster)}" for share in shares)


def _end(verdict: VerdictReport, palette: Palette) -> Iterator[str]:
    status = f" {verdict.status}" if verdict.status else ""
    facts = [verdict.details, f"flags {verdict.flags}" if verdict.flags else ""]
    facts += [
        f"location {verdict.location}" if verdict.location else "",
        f"body {verdict.body!r}" if verdict.body else "",
    ]
    extra = f"  {palette('dim', printable(', '.join(fact for fact in facts if fact)))}" if any(facts) else ""
    word = verdict.disposition.replace("-", " ")
    yield f"{_INDENT}{palette('green' if verdict.delivered else 'red', '●')} {word}{status}{extra}"
