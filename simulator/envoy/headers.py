"""Headers of one request, header matchers, and query parameters.

Envoy: source/common/http/header_utility.cc, envoy/config/route/v3/route_components.proto (HeaderMatcher,
QueryParameterMatcher). Observed with Envoy 1.40: a header sent on several lines matches when any one of them does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from simulator.envoy.documents import child, flag, integer, text
from simulator.envoy.strings import describe_string, full_match, matches_string
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The head of an HTTP request inside a proxy. Header names are lower case."""

    method: str
    path: str
    """Path with query; empty for CONNECT."""
    authority: str
    scheme: str = "http"
    fields: tuple[tuple[str, str], ...] = ()

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of a header, pseudo-headers included, one for each line."""
        name = name.lower()
        match name:
            case ":method":
                return (self.method,)
            case ":path":
                return (self.path,) if self.path else ()
            case ":authority" | "host":
                return (self.authority,) if self.authority else ()
            case ":scheme":
                return (self.scheme,)
        return tuple(value for key, value in self.fields if key == name)

    def value(self, name: str) -> str | None:
        """Return the first value of a header; None when it was not sent."""
        return next(iter(self.values(name)), None)

    def with_field(self, name: str, value: str) -> "Message":
        """Return a copy in which a header has just this value."""
        rest = tuple(field for field in self.fields if field[0] != name.lower())
        return replace(self, fields=(*rest, (name.lower(), value)))

    def adding(self, name: str, value: str) -> "Message":
        """Return a copy with one more line of a header."""
        return replace(self, fields=(*self.fields, (name.lower(), value)))

    def without(self, names: Iterable[str]) -> "Message":
        """Return a copy without some headers."""
        dropped = {name.lower() for name in names}
        return replace(self, fields=tuple(field for field in self.fields if field[0] not in dropped))

    @property
    def cookies(self) -> dict[str, str]:
        """Return the cookies, without quotes around their values; of one name the first counts."""
        found: dict[str, str] = {}
        for line in self.values("cookie"):
            for pair in line.split(";"):
                name, equals, value = pair.strip().partition("=")
                quoted = len(value) > 1 and value[0] == value[-1] == '"'
                if equals:
                    found.setdefault(name, value[1:-1] if quoted else value)
        return found

    @property
    def path_only(self) -> str:
        """The path without query and fragment."""
        return self.path.partition("?")[0].partition("#")[0]

    @property
    def is_grpc(self) -> bool:
        """Tell whether the content type is gRPC's."""
        kind = self.value("content-type") or ""
        return kind == "application/grpc" or kind.startswith("application/grpc+")


def matches_header(matcher: Json, message: Message) -> bool:
    """Evaluate a HeaderMatcher."""
    values = message.values(text(matcher, "name"))
    inverted = flag(matcher, "invert_match")
    if "present_match" in matcher and not flag(matcher, "treat_missing_header_as_empty"):
        return (flag(matcher, "present_match") == bool(values)) != inverted
    if not values:
        if not flag(matcher, "treat_missing_header_as_empty"):
            # a header that is not sent fails every condition on its value, negated or not
            return _without_condition(matcher) and inverted
        values = ("",)
    if "present_match" in matcher:
        return flag(matcher, "present_match") != inverted
    return any(_holds(matcher, value) for value in values) != inverted


_CONDITIONS = (
    "string_match",
    "exact_match",
    "safe_regex_match",
    "range_match",
    "prefix_match",
    "suffix_match",
    "contains_match",
)


def _without_condition(matcher: Json) -> bool:
    return not any(kind in matcher for kind in _CONDITIONS)


def _holds(matcher: Json, value: str) -> bool:
    if "string_match" in matcher:
        return matches_string(child(matcher, "string_match"), value)
    if "safe_regex_match" in matcher:
        return full_match(text(child(matcher, "safe_regex_match"), "regex"), value)
    if "range_match" in matcher:
        bounds = child(matcher, "range_match")
        try:
            number = int(value)
        except ValueError:
            return False
        return integer(bounds, "start") <= number < integer(bounds, "end")
    for kind, plain in (
        ("exact_match", "exact"),
        ("prefix_match", "prefix"),
        ("suffix_match", "suffix"),
        ("contains_match", "contains"),
    ):
        if kind in matcher:
            return matches_string({plain: matcher[kind]}, value)
    return True  # no condition: presence is enough


def describe_header(matcher: Json) -> str:
    """Print a HeaderMatcher for people."""
    name, negation = text(matcher, "name"), "not " if flag(matcher, "invert_match") else ""
    if "string_match" in matcher:
        return f"header {name} {negation}{describe_string(child(matcher, 'string_match'))}"
    if "safe_regex_match" in matcher:
        return f"header {name} {negation}matches {text(child(matcher, 'safe_regex_match'), 'regex')}"
    for kind in ("exact_match", "prefix_match", "suffix_match", "contains_match"):
        if kind in matcher:
            return f"header {name} {negation}{kind.removesuffix('_match')} {text(matcher, kind)}"
    if "range_match" in matcher:
        bounds = child(matcher, "range_match")
        return f"header {name} {negation}in [{integer(bounds, 'start')}, {integer(bounds, 'end')})"
    absent = "present_match" in matcher and not flag(matcher, "present_match")
    return f"header {name} {negation}{'absent' if absent else 'present'}"


def query_parameters(path: str) -> dict[str, str]:
    """Return the query's parameters as sent, without decoding; of repeated names the first counts."""
    _, found, query = path.partition("?")
    result: dict[str, str] = {}
    if found:
        for pair in query.partition("#")[0].split("&"):
            name, _, value = pair.partition("=")
            result.setdefault(name, value)
    return result


def matches_query(matcher: Json, parameters: dict[str, str]) -> bool:
    """Evaluate a QueryParameterMatcher."""
    value = parameters.get(text(matcher, "name"))
    if "present_match" in matcher:
        return flag(matcher, "present_match") == (value is not None)
    if value is None:
        return False
    return matches_string(child(matcher, "string_match"), value) if "string_match" in matcher else True


def describe_query(matcher: Json) -> str:
    """Print a QueryParameterMatcher for people."""
    name = text(matcher, "name")
    if "string_match" in matcher:
        return f"query parameter {name} {describe_string(child(matcher, 'string_match'))}"
    return f"query parameter {name} present"
