"""A trace as a person reads it: the end first, then a line per decision, in the order in which the request meets them.

DELIVERED 200 to cart-7d9f-x2.shop: an application in the mesh gets the request
GET http://cart:7070/items from deploy/web

1 web-5c8d-9k.shop  outbound
  listener       0.0.0.0_7070  the listener for port 7070 on any address
  route          cart-v2       prefix /items and header end-user is jason
                 VirtualService/shop/cart http[0].match[0]  cart.yaml:12
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from kubectl_mesh.render.color import Palette
from kubectl_mesh.render.terminal import printable
from kubectl_mesh.reports.trace import (
    ForwardedReport,
    HopReport,
    ShareReport,
    SourceReport,
    StepReport,
    TraceReport,
    VerdictReport,
)

_LABELS = {
    "name-resolution": "name",
    "listener-filters": "sniffing",
    "filter-chain": "filter chain",
    "network-filter": "filter",
    "http-connection": "http",
    "route-configuration": "routes",
    "virtual-host": "virtual host",
    "http-filter": "http filter",
    "rbac": "authorization",
    "transport": "encryption",
}
_QUIET = frozenset({"listener-filters", "http-connection", "capture"})
"""Decided the same way for nearly every request: shown on request, and where the path ends."""
_OBVIOUS = frozenset(
    {
        *("filter", "health", "allowed", "policy", "pod", "port", "port_name", "undeclared"),
        *("client_ip", "scheme", "path", "shares", "alternatives", "sni", "alpn", "percent", "delay", "mirrors"),
    }
)
"""Details that another line says already, or that matter only when something is looked for."""
_STATUS = re.compile(r" \(\d{3} [A-Z]+\)$")
"""A status in the meaning of a disposition, which connections that are not HTTP do not have."""
_WIDTH = 15
_INDENT = "  "
_BELOW = _INDENT + " " * _WIDTH
_COLUMN = 44
"""What is longer than this does not widen the column of its neighbours."""
_LISTED = 3
_NEAR = {"filter-chain": 1}
"""Kinds whose misses begin with the nearest → how many reasons help; the others tell of connections unlike this one."""


def render(report: TraceReport, *, palette: Palette, verbose: bool = False) -> str:
    """Return the whole explanation; `verbose` adds steps that are nearly always the same, and all that was rejected.

    Where nothing was chosen, some of what was rejected is shown in any case.
    """
    page = _Page(palette, verbose=verbose)
    lines = [*page.headline(report), ""]
    before = [*page.steps(report.steps, ends=not report.hops and not report.arrival)]
    if before:
        lines += [palette("bold", printable(report.source or "client")), *before, ""]
    for number, hop in enumerate(report.hops, start=1):
        lines += [*page.hop(number, hop), ""]
    if report.arrival:
        title = printable(report.destination or "arrival")
        lines += [palette("bold", title), *page.steps(report.arrival, ends=True), ""]
    lines += page.answer(report)
    shown = {note for hop in report.hops for note in hop.notes}
    lines += [f"note: {printable(note)}" for note in report.notes if note not in shown]
    return "\n".join(lines).rstrip("\n") + "\n"


class _Page:
    """One way of writing a trace."""

    def __init__(self, palette: Palette, *, verbose: bool) -> None:
        self._style = palette
        self._verbose = verbose

    def headline(self, report: TraceReport) -> Iterator[str]:
        """Say how it ends, and for which request."""
        verdict, request = report.verdict, report.request
        status = f" {verdict.status}" if verdict.status else ""
        word = f"{verdict.disposition.upper().replace('-', ' ')}{status}"
        end = f" to {printable(report.destination)}" if report.destination else ""
        meaning = verdict.meaning if verdict.status else _STATUS.sub("", verdict.meaning)
        yield f"{self._style('green' if verdict.delivered else 'red', word)}{end}: {meaning}"
        yield f"{printable(request.method)} {printable(request.url)} from {printable(request.from_)}"

    def hop(self, number: int, hop: HopReport) -> Iterator[str]:
        """Explain what one proxy decided."""
        yield self._style("bold", f"{number} {printable(hop.proxy)}") + f"  {hop.direction}"
        ends = hop.forwarded is None or not hop.verdict.delivered
        yield from self.steps(hop.steps, ends=ends)
        if hop.forwarded is not None:
            yield from self._forwarded(hop.forwarded)
        if ends:
            yield from self._end(hop.verdict)
        for note in hop.notes:
            yield f"{_INDENT}{'note'.ljust(_WIDTH)}{printable(note)}"

    def steps(self, steps: Sequence[StepReport], *, ends: bool) -> Iterator[str]:
        """Write steps under each other; `ends` tells that the last one ends the path, so it is shown whatever it is."""
        last = steps[-1] if steps and ends else None
        shown = [step for step in steps if self._verbose or step is last or not _is_quiet(step)]
        width = max((len(step.chosen) for step in shown if len(step.chosen) <= _COLUMN), default=0)
        for step in shown:
            label = _LABELS.get(step.kind, step.kind).ljust(_WIDTH)
            because = f"  {self._style('dim', printable(step.because))}" if step.because else ""
            yield f"{_INDENT}{label}{printable(step.chosen).ljust(width if because else 0)}{because}"
            yield from self._below(step)

    def _below(self, step: StepReport) -> Iterator[str]:
        if step.source is not None:
            yield f"{_BELOW}{self._style('cyan', printable(_written(step.source)))}"
        details = {name: item for name, item in step.details.items() if self._verbose or name not in _OBVIOUS}
        if details:
            texts = (f"{name.replace('_', ' ')} {_value(item)}" for name, item in details.items())
            yield f"{_BELOW}{printable(' · '.join(texts))}"
        yield from self._rejected(step)

    def _rejected(self, step: StepReport) -> Iterator[str]:
        """Write what was tried, those with one reason together; without -v the nearest misses, where all missed."""
        groups = [
            (why, [each.name for each in found]) for why, found in groupby(step.rejected, lambda one: one.because)
        ]
        missed = step.chosen == "none"
        shown = groups if self._verbose else groups[: _NEAR.get(step.kind, _LISTED)] if missed else []
        for because, names in shown:
            text = f"not {printable(_some(names, all_=self._verbose))}: {printable(because)}"
            yield f"{_BELOW}{self._style('dim', text)}"
        more = sum(len(names) for _, names in groups[len(shown) :]) if shown and step.kind not in _NEAR else 0
        if more:
            yield f"{_BELOW}{self._style('dim', f'and {more} more: -v shows them')}"

    def answer(self, report: TraceReport) -> Iterator[str]:
        """Say what the client reads of a proxy that lost its connection further on."""
        verdict = report.verdict
        lost = verdict.status and not verdict.delivered and (not report.hops or report.hops[-1].verdict.status is None)
        answering = next((hop for hop in reversed(report.hops) if _speaks_http(hop) and hop.verdict.delivered), None)
        if lost and answering is not None:
            facts = ", ".join(fact for fact in (_flags(verdict), verdict.body) if fact)
            mark, answers = self._style("red", "■"), self._style("bold", printable(answering.proxy))
            yield f"{mark} {answers} answers {verdict.status}: {printable(facts)}"
            yield ""

    def _forwarded(self, forwarded: ForwardedReport) -> Iterator[str]:
        if len(forwarded.shares) > 1:
            yield f"{_INDENT}{'shares'.ljust(_WIDTH)}{_shares(forwarded.shares)}"
        if forwarded.mirrors:
            yield f"{_INDENT}{'mirrored to'.ljust(_WIDTH)}{_shares(forwarded.mirrors)}"
        if forwarded.alternatives:
            yield f"{_INDENT}{'as likely'.ljust(_WIDTH)}{_few(forwarded.alternatives)}"
        if not forwarded.address:
            return
        address = f"[{forwarded.address}]" if ":" in forwarded.address and forwarded.port else forwarded.address
        port = f":{forwarded.port}" if forwarded.port else ""
        workload = f" ({printable(forwarded.workload)})" if forwarded.workload else ""
        encryption = _encryption(forwarded)
        tunnel = " inside HBONE" if forwarded.tunnel else ""
        tunnel += f" by way of {printable(forwarded.via)}" if forwarded.via else ""
        sent = printable(" ".join(part for part in (forwarded.method, forwarded.target) if part))
        host = f" Host: {printable(forwarded.authority)}" if forwarded.authority else ""
        yield (
            f"{_INDENT}{self._style('green', '→')} {printable(address)}{port}{workload} "
            f"{encryption}{tunnel}{self._style('dim', f'  {sent}{host}') if sent else ''}"
        )

    def _end(self, verdict: VerdictReport) -> Iterator[str]:
        status = f" {verdict.status}" if verdict.status else ""
        facts = [
            verdict.details,
            _flags(verdict),
            f"location {verdict.location}" if verdict.location else "",
            f"body {verdict.body!r}" if verdict.body else "",
        ]
        extra = self._style("dim", printable(", ".join(fact for fact in facts if fact)))
        mark = self._style("green" if verdict.delivered else "red", "■")
        yield f"{_INDENT}{mark} {verdict.disposition.replace('-', ' ')}{status}{'  ' if extra else ''}{extra}"


def _flags(verdict: VerdictReport) -> str:
    several = "s" if "," in verdict.flags else ""
    return f"response flag{several} {verdict.flags}" if verdict.flags else ""


def _speaks_http(hop: HopReport) -> bool:
    return any(step.kind == "http-connection" for step in hop.steps)


def _encryption(forwarded: ForwardedReport) -> str:
    words = {"none": "in plain text", "simple": "over TLS", "mutual": "over mutual TLS"}
    if forwarded.client_tls == "none":
        return words.get(forwarded.tls, forwarded.tls)
    own = "in the client's own TLS"
    return own if forwarded.tls == "none" else f"{own}, {words.get(forwarded.tls, forwarded.tls)}"


def _is_quiet(step: StepReport) -> bool:
    if step.kind == "transport":
        return step.chosen == "plain text"
    if step.kind == "capture":
        return step.chosen == "redirected"
    return step.kind in _QUIET


def _written(source: SourceReport) -> str:
    where = f"{source.resource} {source.field.removeprefix('spec.')}" if source.field else source.resource
    return f"{where}  {source.position}" if source.position else where


def _value(value: Any) -> str:
    """Write a detail: lists with commas, objects as `name value`."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shares(shares: Sequence[ShareReport]) -> str:
    return ", ".join(f"{share.percent:g}% {printable(share.cluster)}" for share in shares)


def _some(names: Sequence[str], *, all_: bool) -> str:
    """Write names, each once, and how many stand for each; a few of them, or all."""
    counted = Counter(names)
    told = [f"{name} ({count})" if count > 1 else name for name, count in counted.items()]
    return ", ".join(told) if all_ else _few(told)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return printable(", ".join(names[:_LISTED])) + more
