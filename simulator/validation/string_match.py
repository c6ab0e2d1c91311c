"""Rules of string matches and regular expressions. istio: pkg/config/validation/validation.go."""

from functools import lru_cache

from simulator.model.go_text import quote
from simulator.model.wire import Json
from simulator.validation.problems import Problems, error

_LONGEST = 1024


def string_match(match: Json | None, where: str) -> Problems:
    """Check a string match; `where` is the name that messages give it."""
    if not isinstance(match, dict):
        return
    if match.get("prefix") is not None and match["prefix"] == "":
        yield error(f"{quote(where)}: prefix string match should not be empty")
    yield from regex_match(match, where)


def regex_match(match: Json | None, where: str) -> Problems:
    """Check a string match if it is a regular expression."""
    if not isinstance(match, dict) or match.get("regex") is None:
        return
    if match["regex"] == "":
        yield error(f"{quote(where)}: regex string match should not be empty")
    else:
        yield from regex(match["regex"], where)


def regex(expression: str, where: str) -> Problems:
    """Check an RE2 expression."""
    if len(expression.encode()) > _LONGEST:
        yield error(f"{quote(where)}: regex is too large, max length allowed is {_LONGEST}")
    elif problem := regex_problem(expression):
        hint = "Istio uses RE2 style regex-based match (https://github.com/google/re2/wiki/Syntax)"
        yield error(f"{quote(where)}: {problem}; {hint}")


@lru_cache(maxsize=4096)
def regex_problem(expression: str) -> str:
    """Return why RE2 refuses an expression, in Go's words; empty when it does not."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(expression, options)
    except re2.error as refused:
        reason = refused.args[0].decode() if isinstance(refused.args[0], bytes) else str(refused.args[0])
        return f"error parsing regexp: {_in_go(reason)}"
    return ""


def _in_go(reason: str) -> str:
    """RE2 says `missing ]: [a`, Go's regexp `missing closing ]: `[a``."""
    what, colon, part = reason.partition(": ")
    what = {
        "missing ]": "missing closing ]",
        "missing )": "missing closing )",
        "no argument for repetition operator": "missing argument to repetition operator",
        "invalid perl operator": "invalid or unsupported Perl syntax",
        "trailing \\": "trailing backslash at end of expression",
    }.get(what, what)
    return f"{what}: `{part}`" if colon else what
