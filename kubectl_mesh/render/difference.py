"""What a change does, for a person at a terminal or in a pull request: the summary first, what breaks before the rest.

3 of 14 proxies change: 1 cluster added, 2 routes changed; 2 kinds of requests end differently: 1 now fails
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from kubectl_mesh.render.color import Palette
from kubectl_mesh.render.terminal import printable
from kubectl_mesh.reports.changes import Action, Changes, Ending, FieldChange, RequestChange, ResourceChange

_SIGNS = {Action.ADDED: ("+", "green"), Action.REMOVED: ("-", "red"), Action.CHANGED: ("~", "yellow")}
_DELIVERED = frozenset({"delivered", "left-mesh", "passed-through"})
_ANSWERED = frozenset({"redirected", "direct-response", "cors-answered"})
_LISTED = 3
_FIELDS = 12
_WIDTH = 100


def summary(changes: Changes) -> str:
    """Say in one line what changes."""
    if changes.empty:
        return f"no differences in {_count(changes.proxies_total, 'proxy', 'proxies')}"
    parts = [f"{len(changes.proxies_changed)} of {_count(changes.proxies_total, 'proxy', 'proxies')} change"]
    for verb, proxies in (("appear", changes.proxies_added), ("disappear", changes.proxies_removed)):
        if proxies:
            parts.append(f"1 proxy {verb}s" if len(proxies) == 1 else f"{len(proxies)} proxies {verb}")
    counted = Counter((change.kind, change.action) for change in changes.resources)
    resources = ", ".join(f"{_count(n, kind)} {action}" for (kind, action), n in counted.items())
    text = ", ".join(parts) + (f": {resources}" if resources else "")
    return f"{text}; {_request_summary(changes.requests)}"


def _request_summary(requests: Sequence[RequestChange]) -> str:
    differing = [change for change in requests if change.before.differs(change.after)]
    ending = [change for change in differing if not change.before.ends_like(change.after)]
    if not differing:
        return "no request found that ends differently"
    handled = len(differing) - len(ending)
    kinds = str(handled) if ending else f"{_count(handled, 'kind')} of requests"
    others = f"{kinds} {'is' if handled == 1 else 'are'} handled differently" if handled else ""
    return "; ".join(part for part in (_endings_summary(ending), others) if part)


def _endings_summary(differing: Sequence[RequestChange]) -> str:
    if not differing:
        return ""
    text = f"{_count(len(differing), 'kind')} of requests {'ends' if len(differing) == 1 else 'end'} differently"
    failing = [change for change in differing if _fails(change.after) and not _fails(change.before)]
    partly = sum(bool(change.after.shares) for change in failing)
    mended = sum(_fails(change.before) and not _fails(change.after) for change in differing)
    counted = (
        (len(failing) - partly, "now fails", "now fail"),
        (partly, "now fails in part", "now fail in part"),
        (mended, "no longer fails", "no longer fail"),
    )
    told = [f"{number} {one if number == 1 else several}" for number, one, several in counted if number]
    return f"{text}: {', '.join(told)}" if told else text


def _fails(end: Ending) -> bool:
    return end.disposition not in _DELIVERED | _ANSWERED or any(label.endswith(")") for label, _ in end.shares)


def render(changes: Changes, *, palette: Palette) -> str:
    """Return the report as text."""
    lines = [palette("bold", summary(changes))]
    if changes.requests:
        lines += ["", palette("bold", "Requests")]
        for change in changes.requests:
            lines += _request(change, palette)
    for title, names, action in (
        ("Proxies that appear", changes.proxies_added, Action.ADDED),
        ("Proxies that disappear", changes.proxies_removed, Action.REMOVED),
    ):
        sign, style = _SIGNS[action]
        lines += ["", palette("bold", title), *(palette(style, f"  {sign} {name}") for name in names)] if names else []
    if changes.resources:
        lines += ["", palette("bold", "Envoy resources")]
        for resource in changes.resources:
            lines += _resource(resource, palette, everywhere=len(resource.proxies) == changes.proxies_total > _LISTED)
    lines += [f"note: {printable(note)}" for note in changes.notes]
    return "\n".join(lines) + "\n"


def _request(change: RequestChange, palette: Palette) -> Iterator[str]:
    differs = change.before.differs(change.after)
    others = f" (and {len(change.others)} like it)" if change.others else ""
    yield f"  {printable(change.request)}{others}  {palette('dim', 'from ' + _some(change.sources))}"
    if not differs:
        yield f"      as before: {_ending(change.after)}"
        return
    fails = _fails(change.after) and not _fails(change.before)
    for sign, style, end in (("-", "dim", change.before), ("+", "red" if fails else "green", change.after)):
        yield palette(style, f"    {sign} {_ending(end)}")
        if end.because and (end is change.after or end.because != change.after.because):
            yield palette("dim", f"        {printable(end.because)}")
    yield from (f"      {effect}" for effect in _effects(change))


def _ending(end: Ending) -> str:
    if end.shares:
        return "; ".join(f"{percent:g} % {printable(label)}" for label, percent in end.shares)
    status = f" {end.status}" if end.status else ""
    where = f" {printable(end.destination)}" if end.destination else ""
    return f"{end.disposition}{status}{where}"


def _resource(change: ResourceChange, palette: Palette, *, everywhere: bool) -> Iterator[str]:
    sign, style = _SIGNS[change.action]
    named = f"all {len(change.proxies)} proxies" if everywhere else _some(change.proxies)
    where = palette("dim", f"on {named}")
    yield f"{palette(style, f'  {sign} {change.kind} {printable(change.name)}')}  {where}"
    for field in change.fields[:_FIELDS]:
        yield f"      {_field(field)}"
    if len(change.fields) > _FIELDS:
        yield f"      … {len(change.fields) - _FIELDS} more fields (-o json has all)"


def _field(change: FieldChange) -> str:
    return f"{printable(change.path)}: {_value(change.before)} → {_value(change.after)}"


def _value(value: Any) -> str:
    if value is None:
        return "<none>"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return printable(text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…")


def _effects(change: RequestChange) -> Iterator[str]:
    """Yield the settings that differ; one that is left out is `none`, as one that says so.

    A request that gets nowhere has none: only those of requests that get somewhere on both sides are compared.
    """
    if not (_arrives(change.before) and _arrives(change.after)):
        return
    before, after = change.before.effects, change.after.effects
    for name in sorted(before.keys() | after.keys()):
        old, new = _words(before.get(name)), _words(after.get(name))
        if old != new:
            yield f"{printable(name.replace('_', ' '))}: {old} → {new}"


def _arrives(end: Ending) -> bool:
    return end.disposition in _DELIVERED or bool(end.shares)


def _words(value: Any) -> str:
    """Write a setting as a reader would say it; those that lack it have none."""
    match value:
        case None:
            return "none"
        case dict():
            parts = (f"{printable(str(key).replace('_', ' '))} {_words(inner)}" for key, inner in value.items())
            return ", ".join(parts) or "none"
        case list() | tuple():
            return ", ".join(_words(inner) for inner in value) or "none"
        case bool():
            return "yes" if value else "no"
    return _value(value)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:_LISTED])
    return f"{shown} and {len(names) - _LISTED} more" if len(names) > _LISTED else shown


def _count(number: int, singular: str, plural: str = "") -> str:
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"


def markdown(changes: Changes) -> str:
    """Return the report as Markdown for a comment on a pull request."""
    lines = [f"**{_escaped(summary(changes))}**"]
    if changes.requests:
        lines += ["", "| request | from | before | after |", "|---|---|---|---|"]
        for change in changes.requests:
            cells = (change.request, _some(change.sources), _ending(change.before), _after(change))
            lines.append(f"| {' | '.join(map(_escaped, cells))} |")
    if changes.resources:
        lines += ["", "<details><summary>Envoy resources</summary>", "", "| | resource | proxies | fields |"]
        lines.append("|---|---|---|---|")
        for resource in changes.resources:
            fields = "; ".join(_field(field) for field in resource.fields[:_LISTED])
            more = f"; {len(resource.fields) - _LISTED} more" if len(resource.fields) > _LISTED else ""
            sign, _ = _SIGNS[resource.action]
            row = (sign, f"{resource.kind} {resource.name}", _some(resource.proxies), fields + more)
            lines.append(f"| {' | '.join(map(_escaped, row))} |")
        lines += ["", "</details>"]
    lines += [f"\n_{_escaped(note)}_" for note in changes.notes]
    return "\n".join(lines) + "\n"


def _after(change: RequestChange) -> str:
    if not change.before.differs(change.after):
        return "as before"
    return "; ".join([_ending(change.after), *_effects(change)])


def _escaped(text: str) -> str:
    return printable(text).replace("|", "\\|").replace("<", "&lt;")
