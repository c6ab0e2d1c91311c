"""String, regex and value matchers, as every other matcher of Envoy uses them.

Envoy: source/common/common/matchers.cc, envoy/type/matcher/v3/{string,regex,value,metadata}.proto. Regular expressions
are RE2 and must match the whole text; a pattern that RE2 refuses would have been refused with the whole resource.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from simulator.envoy.documents import NotSimulated, UnreadableDocument, child, children, flag, real, text
from simulator.model.wire import Json


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error:
        raise UnreadableDocument(f"regular expression {pattern!r:.80} is not valid RE2") from None


def full_match(pattern: str, subject: str) -> bool:
    """Tell whether an RE2 pattern matches all of `subject`."""
    return _compiled(pattern).fullmatch(subject) is not None


def replace_all(pattern: str, subject: str, substitution: str) -> str:
    """Replace every match; `\\1` stands for a group. An empty match right after a match does not count (RE2)."""
    regex = _compiled(pattern)
    out: list[str] = []
    position, last_end = 0, -1
    while position <= len(subject):
        match = regex.search(subject, position)
        if match is None:
            break
        start, end = match.span()
        out.append(subject[position:start])
        if start == last_end and start == end:
            out.append(subject[start : start + 1])
            position = start + 1
            continue
        out.append(_expand(match, substitution))
        position = last_end = end
    out.append(subject[position:])
    return "".join(out)


def _expand(match: Any, substitution: str) -> str:
    out: list[str] = []
    characters = iter(substitution)
    for character in characters:
        if character != "\\":
            out.append(character)
            continue
        following = next(characters, "")
        if following.isdigit():
            try:
                out.append(match.group(int(following)) or "")
            except IndexError:
                raise UnreadableDocument(f"substitution {substitution!r:.60} names a group that is not there") from None
        else:
            out.append(following)
    return "".join(out)


def matches_string(matcher: Json, subject: str) -> bool:
    """Evaluate a StringMatcher."""
    if "safe_regex" in matcher:
        return full_match(text(child(matcher, "safe_regex"), "regex"), subject)
    folded = flag(matcher, "ignore_case")
    subject = subject.lower() if folded else subject
    for kind in ("exact", "prefix", "suffix", "contains"):
        if kind in matcher:
            wanted = text(matcher, kind)
            return _compare(kind, wanted.lower() if folded else wanted, subject)
    if "custom" in matcher:
        raise NotSimulated("a custom string matcher is not simulated")
    return not subject  # an empty matcher is `exact: ""`, which proto-JSON leaves out


def _compare(kind: str, wanted: str, subject: str) -> bool:
    match kind:
        case "exact":
            return subject == wanted
        case "prefix":
            return subject.startswith(wanted)
        case "suffix":
            return subject.endswith(wanted)
    return wanted in subject


def describe_string(matcher: Json) -> str:
    """Print a StringMatcher for people."""
    if "safe_regex" in matcher:
        return f"matches {text(child(matcher, 'safe_regex'), 'regex')}"
    words = {"exact": "is", "prefix": "starts with", "suffix": "ends with", "contains": "contains"}
    for kind, word in words.items():
        if kind in matcher:
            return f"{word} {text(matcher, kind)}"
    return "is empty"


def matches_value(matcher: Json, value: Any) -> bool:
    """Evaluate a ValueMatcher on a JSON value; None stands for a value that is not there."""
    if "null_match" in matcher:
        return False  # a missing value is not null
    if "present_match" in matcher:
        return flag(matcher, "present_match") and value is not None
    if "or_match" in matcher:
        return any(matches_value(item, value) for item in children(child(matcher, "or_match"), "value_matchers"))
    if "string_match" in matcher:
        return isinstance(value, str) and matches_string(child(matcher, "string_match"), value)
    if "bool_match" in matcher:
        return isinstance(value, bool) and value == flag(matcher, "bool_match")
    if "double_match" in matcher:
        return (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and _in_range(child(matcher, "double_match"), float(value))
        )
    if "list_match" in matcher:
        one_of = child(child(matcher, "list_match"), "one_of")
        return isinstance(value, list) and any(matches_value(one_of, item) for item in value)
    return False


def _in_range(matcher: Json, value: float) -> bool:
    if "exact" in matcher:
        return value == real(matcher, "exact")
    bounds = child(matcher, "range")
    return real(bounds, "start") <= value < real(bounds, "end")


def matches_metadata(matcher: Json, metadata: Mapping[str, Any]) -> bool:
    """Evaluate a MetadataMatcher: follow its path in the metadata of its filter, then its value matcher."""
    value: Any = metadata.get(text(matcher, "filter"))
    for segment in children(matcher, "path"):
        value = value.get(text(segment, "key")) if isinstance(value, Mapping) else None
    return matches_value(child(matcher, "value"), value) != flag(matcher, "invert")
