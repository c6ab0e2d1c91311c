"""Rules of a VirtualService that no request reaches, and matches without effect.

istio: analyzeUnreachableHTTPRules in pkg/config/validation/validation.go. Only equal matches, and prefixes that
contain one another, are found here; `kubectl_mesh.analysis.analyzers.dead_rules` finds further cases.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from simulator.model.go_text import quote
from simulator.model.wire import Json
from simulator.validation.problems import Path, Problem, Problems

_LAYER_4 = frozenset(
    {"sniHosts", "destinationSubnets", "port", "sourceLabels", "gateways", "sourceNamespace", "sourceSubnet"}
)
"""Fields of a match of a tcp or tls route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prefix:
    """A match on a prefix, with its other conditions."""

    route: str
    match: str
    path: Path
    prefix: str
    port: int
    words: tuple[str, str]
    """Method and authority, as `exact:…` or `prefix:…`."""
    maps: tuple[dict[str, str], ...] = field(default=())


def unreachable(routes: Sequence[Json], kind: str) -> Problems:
    """Warn of routes (`http`, `tcp` or `tls`) after one without matches, and of matches that repeat earlier ones."""
    seen: dict[str, int] = {}
    without = -1
    prefixes: list[_Prefix] = []
    for number, route in enumerate(routes):
        matches = route.get("match") or []
        if not matches:
            if without >= 0:
                yield _unused(route, number, kind, "only the last rule can have no matches")
            without = number
            continue
        duplicates = 0
        for index, match in enumerate(matches):
            if without >= 0:
                yield _unused(route, number, kind, "route without matches defined before")
                continue
            key = _key(match, kind)
            if key in seen:
                duplicates += 1
                first = _route_name(routes[seen[key]], seen[key])
                path = (kind, number, "match", index)
                yield _ineffective(_route_name(route, number), _match_name(match, index), first, path)
                continue
            seen[key] = number
            if kind == "http":
                prefixes += _prefix(route, number, match, index)
        if duplicates == len(matches):
            yield _unused(route, number, kind, "all matches used by prior rules")
    yield from _overlaps(prefixes)


def _unused(route: Json, number: int, kind: str, reason: str) -> Problem:
    name = _route_name(route, number)
    return Problem(
        text=f"virtualService rule {name} not used ({reason})",
        path=(kind, number),
        is_warning=True,
        code="IST0130",
        arguments=(name, reason),
    )


def _ineffective(route: str, match: str, other: str, path: Path) -> Problem:
    return Problem(
        text=f"virtualService rule {route} match {match} is not used (duplicate/overlapping match in rule {other})",
        path=path,
        is_warning=True,
        code="IST0131",
        arguments=(route, match, other),
    )


def _overlaps(prefixes: list[_Prefix]) -> Problems:
    """Warn of prefixes that an earlier, shorter one covers, in the order of the earlier ones."""
    known: dict[str, list[int]] = {}
    covered: list[tuple[int, int]] = []
    for number, later in enumerate(prefixes):
        for length in range(1, len(later.prefix)):
            shorter = known.get(later.prefix[:length], ())
            covered += [(earlier, number) for earlier in shorter if _covers(prefixes[earlier], later)]
        known.setdefault(later.prefix, []).append(number)
    for earlier, number in sorted(covered):
        one, later = prefixes[earlier], prefixes[number]
        match = f"{later.match} of prefix {later.prefix}"
        yield _ineffective(later.route, match, f"{one.match} of prefix {one.prefix} on {one.route}", later.path)


def _covers(earlier: _Prefix, later: _Prefix) -> bool:
    if later.port != earlier.port:
        return False
    if not all(one.startswith(other) for one, other in zip(earlier.words, later.words, strict=True)):
        return False
    return all(
        len(one) == len(other) and all(name in other and value.startswith(other[name]) for name, value in one.items())
        for one, other in zip(earlier.maps, later.maps, strict=True)
    )


def _key(match: Json, kind: str) -> str:
    """Return the key by which matches are compared: everything except the name of an HTTP match."""
    if kind == "http":
        match = {name: value for name, value in match.items() if name != "name"}
    else:
        match = {name: value for name, value in match.items() if name in _LAYER_4}
    return json.dumps(_without_empty(match), sort_keys=True, default=str)


def _without_empty(match: Json) -> Json:
    return {name: value for name, value in match.items() if value not in (None, "", 0, False, [], {})}


def _prefix(route: Json, number: int, match: Json, index: int) -> Iterator[_Prefix]:
    prefix = (match.get("uri") or {}).get("prefix") or ""
    if prefix:
        yield _Prefix(
            route=_route_name(route, number),
            match=_match_name(match, index),
            path=("http", number, "match", index),
            prefix=prefix,
            port=match.get("port") or 0,
            words=(_word(match.get("method")) or "exact:GET", _word(match.get("authority"))),
            maps=tuple(
                {name: _word(value) for name, value in (match.get(field) or {}).items()}
                for field in ("headers", "queryParams", "withoutHeaders")
            ),
        )


def _word(match: Json | None) -> str:
    for kind in ("exact", "prefix"):
        if match and match.get(kind):
            return f"{kind}:{match[kind]}"
    return ""


def _route_name(route: Json, number: int) -> str:
    return quote(route["name"]) if route.get("name") else f"#{number}"


def _match_name(match: Json, index: int) -> str:
    return quote(match["name"]) if match.get("name") else f"#{index}"
