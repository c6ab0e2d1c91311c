"""Whether one match of a VirtualService accepts every request that another accepts, and a request as an example.

The answer is yes only where that is certain; parts that are not understood count as different. Follows istiod's
translation of matches into Envoy's (pilot/pkg/networking/core/route/route.go): prefixes are plain text prefixes,
regular expressions match the whole path, a header without a value has to be present.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from simulator.model.wire import Json
from simulator.spaces.examples import literal_start, regex_example

_TEXTS = ("method", "scheme", "authority")
_KNOWN = frozenset(
    {
        "name",
        "uri",
        "ignoreUriCase",
        "headers",
        "withoutHeaders",
        "queryParams",
        "port",
        "sourceLabels",
        "sourceNamespace",
        "gateways",
        "statPrefix",
        *_TEXTS,
    }
)
_ANYTHING = frozenset({".*", "/.*"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A match together with the gateways of its VirtualService, which apply where it names none."""

    match: Json
    gateways: Sequence[str]

    @property
    def places(self) -> frozenset[str]:
        """The gateways where the match counts."""
        return frozenset(self.match.get("gateways") or self.gateways)


def takes_all(bound: Bound) -> bool:
    """Tell whether a match accepts everything by the criteria of istiod, which puts such routes last on a gateway."""
    match = bound.match
    uri = match.get("uri") or {}
    everything = not uri or uri.get("prefix") == "/" or uri.get("regex") in (*_ANYTHING, "*")
    return everything and not any(match.get(key) for key in ("headers", "withoutHeaders", "queryParams", *_TEXTS))


def contains(one: Bound, other: Bound) -> bool:
    """Tell whether `one` certainly accepts every request that `other` accepts."""
    wide, narrow = one.match, other.match
    if set(wide) - _KNOWN or not other.places <= one.places:
        return False
    if not _contains_uri(wide, narrow):
        return False
    if any(wide.get(key) and not _contains_text(wide[key], narrow.get(key)) for key in _TEXTS):
        return False
    if wide.get("port") and wide["port"] != narrow.get("port"):
        return False
    if wide.get("sourceNamespace") and wide["sourceNamespace"] != narrow.get("sourceNamespace"):
        return False
    labels, other_labels = wide.get("sourceLabels") or {}, narrow.get("sourceLabels") or {}
    if any(other_labels.get(key) != value for key, value in labels.items()):
        return False
    return _contains_values(wide, narrow)


def _contains_values(wide: Json, narrow: Json) -> bool:
    headers, other_headers = _lowered(wide.get("headers")), _lowered(narrow.get("headers"))
    for key, wanted in headers.items():
        if key not in other_headers or not _contains_value(wanted, other_headers[key]):
            return False
    without, other_without = _lowered(wide.get("withoutHeaders")), _lowered(narrow.get("withoutHeaders"))
    if any(other_without.get(key) != wanted for key, wanted in without.items()):
        return False
    parameters, others = wide.get("queryParams") or {}, narrow.get("queryParams") or {}
    return all(key in others and (others[key] or {}) == (wanted or {}) for key, wanted in parameters.items())


def _lowered(headers: Json | None) -> Json:
    return {key.lower(): value or {} for key, value in (headers or {}).items()}


def _contains_value(wide: Json, narrow: Json) -> bool:
    return not wide or wide == narrow or (bool(narrow) and _contains_text(wide, narrow))


def _contains_text(wide: Json, narrow: Json | None) -> bool:
    """Compare two string matches; an absent one accepts everything."""
    if not narrow:
        return False
    if wide == narrow:
        return True
    literal = narrow.get("exact") or narrow.get("prefix")
    if wide.get("prefix") and literal:
        return str(literal).startswith(wide["prefix"])
    return bool(wide.get("regex") and narrow.get("exact")) and _fits(wide["regex"], narrow["exact"])


def _contains_uri(wide: Json, narrow: Json) -> bool:
    wanted, given = wide.get("uri") or {}, narrow.get("uri") or {}
    if not wanted or wanted.get("prefix") == "/" or wanted.get("regex") in _ANYTHING:
        return True
    if not given:
        return False
    any_case, other_any_case = bool(wide.get("ignoreUriCase")), bool(narrow.get("ignoreUriCase"))
    if wanted.get("regex"):
        if wanted == given:
            return True
        return bool(given.get("exact")) and not other_any_case and _fits(wanted["regex"], given["exact"])
    text = str(wanted.get("prefix") or wanted.get("exact") or "")
    if not text or (other_any_case and not any_case and not given.get("regex") and text.lower() != text.upper()):
        return False
    start = str(given.get("exact") or given.get("prefix") or literal_start(given.get("regex") or ""))
    text, start = (text.lower(), start.lower()) if any_case else (text, start)
    if wanted.get("prefix"):
        return start.startswith(text)
    return bool(given.get("exact")) and start == text


def _fits(expression: str, text: str) -> bool:
    try:
        return re.fullmatch(expression, text) is not None
    except re.error:
        return False


@dataclass(slots=True)
class Covers:
    """Matches, indexed by the text of their path, so that finding one that covers another takes few comparisons."""

    _by_text: dict[str, list[tuple[int, Bound]]] = field(default_factory=dict)
    _other: list[tuple[int, Bound]] = field(default_factory=list)

    def add(self, number: int, bound: Bound) -> None:
        """Add a match of the rule with this number."""
        uri = bound.match.get("uri") or {}
        text = uri.get("prefix") or uri.get("exact")
        plain = text and not bound.match.get("ignoreUriCase")
        (self._by_text.setdefault(str(text), []) if plain else self._other).append((number, bound))

    def of(self, match: Bound) -> Iterator[tuple[int, Bound]]:
        """Yield (number of its rule, match) of each match that certainly accepts every request that `match` accepts."""
        uri = match.match.get("uri") or {}
        start = str(uri.get("exact") or uri.get("prefix") or literal_start(uri.get("regex") or "")) or "/"
        for length in range(1, len(start) + 1):
            for number, wide in self._by_text.get(start[:length], ()):
                if contains(wide, match):
                    yield number, wide
        for number, wide in self._other:
            if contains(wide, match):
                yield number, wide


def example(bound: Bound, host: str) -> str:
    """Return a request that a match accepts, as a user would type it."""
    match = bound.match
    method = _text_example(match.get("method")) or "GET"
    authority = _text_example(match.get("authority")) or host.replace("*", "any", 1)
    path = _text_example(match.get("uri")) or "/"
    parameters = [f"{key}={_text_example(value) or 'x'}" for key, value in (match.get("queryParams") or {}).items()]
    query = f"?{'&'.join(parameters)}" if parameters else ""
    headers = [f"{key}: {_text_example(value) or 'x'}" for key, value in (match.get("headers") or {}).items()]
    port = f":{match['port']}" if match.get("port") else ""
    return ", ".join([f"{method} http://{authority}{port}{path}{query}", *headers])


def _text_example(wanted: Json | None) -> str:
    wanted = wanted or {}
    if wanted.get("regex"):
        return regex_example(wanted["regex"]) or ""
    return str(wanted.get("exact") or wanted.get("prefix") or "")
