"""Requests that stand for a route: one that its match accepts, and neighbours that differ in one part.

Reads Envoy's route matches. A witness says "look here", not "this goes there": what it meets is the predictor's to say.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from simulator.model.wire import Json
from simulator.spaces.examples import regex_example, string_example


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Witness:
    """The part of a request that route matching reads."""

    authority: str
    method: str = "GET"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()


def domain_example(domain: str) -> str:
    """Return a host that a virtual host's domain accepts."""
    if domain == "*":
        return "any.example"
    if domain.startswith("*"):
        return f"any{domain[1:]}"
    if domain.endswith("*"):
        return f"{domain[:-1]}any"
    return domain


def route_witnesses(match: Json, authority: str) -> Iterator[Witness]:
    """Yield a request that `match` accepts, then some that it accepts just barely or misses just barely."""
    path = _path(match)
    if path is None:
        return
    base = Witness(authority=authority, target=path)
    hit = _with_query(_with_headers(base, match), match)
    yield hit
    if "prefix" in match and match["prefix"] != "/":
        yield replace(hit, target=_join(f"{match['prefix'].rstrip('/')}/x", hit.target))
    if "path_separated_prefix" in match:
        yield replace(hit, target=_join(f"{match['path_separated_prefix']}/x", hit.target))
        yield replace(hit, target=_join(f"{match['path_separated_prefix']}x", hit.target))
    if hit.headers or hit.method != "GET":
        yield replace(hit, headers=(), method="GET")
    if "?" in hit.target:
        yield replace(hit, target=path)


def crossed(witnesses: Iterable[Witness]) -> Iterator[Witness]:
    """Yield the witnesses, then each path among them with each method and headers of another.

    A rule that takes requests away from another is seen only by requests that both would accept.
    """
    known = list(dict.fromkeys(witnesses))
    yield from known
    for each in known:
        for other in known:
            if (other.method, other.headers) != (each.method, each.headers):
                yield replace(each, method=other.method, headers=other.headers)


def _join(path: str, target: str) -> str:
    _, mark, query = target.partition("?")
    return path + mark + query


def _path(match: Json) -> str | None:
    for key in ("path", "prefix", "path_separated_prefix"):
        if key in match:
            return str(match[key]) or "/"
    if "safe_regex" in match:
        return regex_example(match["safe_regex"].get("regex", ""))
    return None if "connect_matcher" in match else "/"


def _with_query(witness: Witness, match: Json) -> Witness:
    pairs = []
    for parameter in match.get("query_parameters", ()):
        matcher: Mapping[str, Json] = parameter.get("string_match") or {}
        pairs.append(f"{parameter['name']}={string_example(dict(matcher)) or ''}")
    return replace(witness, target=f"{witness.target}?{'&'.join(pairs)}") if pairs else witness


def _with_headers(witness: Witness, match: Json) -> Witness:
    for header in match.get("headers", ()):
        value = _header_value(header)
        if value is None:
            continue
        match header["name"]:
            case ":method":
                witness = replace(witness, method=value)
            case ":authority":
                witness = replace(witness, authority=value)
            case ":scheme" | ":path":
                continue
            case name:
                witness = replace(witness, headers=(*witness.headers, (name, value)))
    return witness


def _header_value(header: Json) -> str | None:
    """Return a value the matcher accepts; None where leaving the header out is what it accepts."""
    if header.get("invert_match") or header.get("present_match") is False:
        return None
    if "string_match" in header:
        return string_example(header["string_match"])
    for key in ("exact_match", "prefix_match", "suffix_match", "contains_match"):
        if key in header:
            return str(header[key])
    if "range_match" in header:
        return str(header["range_match"].get("start", 0))
    return "x"
