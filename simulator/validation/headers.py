"""Rules of header names and values.

istio: ValidateHTTPHeader… in pkg/config/validation/validation.go, and header_value_validator.go, which follows Envoy's
source/common/router/header_parser.cc.
"""

import re
from collections.abc import Iterable

from simulator.model.go_text import quote
from simulator.model.wire import Json
from simulator.validation.problems import Problems, at, error

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~A-Za-z0-9]+\Z")
_STRICT = re.compile(r"[-_A-Za-z0-9]+\Z")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*\Z")
_PSEUDO = frozenset({":method", ":scheme", ":authority", ":path", ":status"})
_CLAIM = "@request.auth.claims"
_EMPTY = "header name cannot be empty"


def is_claim(name: str) -> bool:
    """Tell whether a header in a match stands for a claim of a token."""
    if not name.lower().startswith(_CLAIM):
        return False
    rest = name[len(_CLAIM) :]
    return (rest.startswith(".") and len(rest) > 1) or (rest.startswith("[") and rest.endswith("]") and len(rest) > 2)


def is_authority(name: str) -> bool:
    """Tell whether a header names the host of a request."""
    return name.lower() in (":authority", "host")


def _is_internal(name: str) -> bool:
    return name.startswith(":") or name.lower() == "host"


def matched_name(name: str) -> Problems:
    """Check a header that a match names, which may be a claim or a pseudo header."""
    if not name:
        yield error(_EMPTY)
    elif not is_claim(name) and name not in _PSEUDO and not _TOKEN.match(name):
        yield error(f"header name {name} is not a valid header name")


def strict_name(name: str) -> Problems:
    """Check the name of a header into which a claim is copied."""
    if not name:
        yield error(_EMPTY)
    elif not _STRICT.match(name):
        yield error(f"header name {name} is not a valid header name")


def cors_name(name: str) -> Problems:
    """Check a header of a CORS policy."""
    if not name:
        yield error(_EMPTY)
    elif name != "*" and not _TOKEN.match(name):
        yield error(f"header name {name} is not a valid header name")


def _settable(name: str) -> Problems:
    if not name:
        yield error(_EMPTY)
    elif _is_internal(name) and not is_authority(name):
        yield error(f'invalid header {quote(name)}: header cannot have ":" prefix')


def _changeable(name: str) -> Problems:
    if not name:
        yield error(_EMPTY)
    elif name.lower() == "host":
        yield error(f"invalid header {quote(name)}: cannot set Host header")
    elif _is_internal(name):
        yield error(f'invalid header {quote(name)}: header cannot have ":" prefix')


def operations(headers: Json | None) -> Problems:
    """Check the operations on headers of a route or a destination."""
    for side, set_name in (("request", _settable), ("response", _changeable)):
        given = (headers or {}).get(side) or {}
        for operation in ("add", "set"):
            for name, value in (given.get(operation) or {}).items():
                yield from at(("headers", side, operation, name), set_name(name))
                yield from at(("headers", side, operation, name), _value(str(value)))
        for name in given.get("remove") or ():
            yield from at(("headers", side, "remove"), _changeable(name))


def authority_once(rewrite: Json | None, headers: Json | None) -> Problems:
    """Check that only one place sets the host of a request."""
    current = (rewrite or {}).get("authority") or ""
    request = (headers or {}).get("request") or {}
    for value in _authorities(request):
        if current:
            have, attempt = quote(current), quote(value)
            yield error(
                f"authority header cannot be set multiple times: have {have}, attempting to set {attempt}", "headers"
            )
            return
        current = value


def _authorities(request: Json) -> Iterable[str]:
    for operation in ("set", "add"):
        yield from (str(value) for name, value in (request.get(operation) or {}).items() if is_authority(name))


def _value(value: str) -> Problems:
    if not _VALUE.match(value):
        yield error(f"header value configuration {value} is invalid")
    elif problem := _Variables(value).problem():
        yield error(f"header value configuration: {problem}")


class _Variables:
    """A state machine that reads `%VAR%` and `%VAR(["a", "b"])%` in a header's value."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.position = 0
        self.state = "literal"

    def problem(self) -> str:
        """Return what is wrong; empty for a valid value."""
        while self.position < len(self.value):
            problem: str = getattr(self, f"_{self.state}")(self.value[self.position])
            if problem:
                return f"invalid header configuration. {problem}"
            self.position += 1
        if self.state != "literal":
            return f"invalid header configuration. Un-terminated variable expression '{self.value}'"
        return ""

    def _literal(self, character: str) -> str:
        if character == "%":
            following = self.value[self.position + 1 : self.position + 2]
            if not following:
                return "Un-escaped %"
            if following == "%":
                self.position += 1
            else:
                self.state = "variable"
        return ""

    def _variable(self, character: str) -> str:
        self.state = {"%": "literal", "(": "array"}.get(character, self.state)
        return ""

    def _array(self, character: str) -> str:
        if character != " ":
            self.state = "item" if character == "[" else "string"
        return ""

    def _item(self, character: str) -> str:
        if character == '"':
            self.state = "string"
        return "" if character in '" ' else "Expecting '\"'"

    def _string(self, character: str) -> str:
        if character == "\\":
            if self.position + 1 >= len(self.value):
                return "Un-terminated backslash in JSON string"
            self.position += 1
        self.state = {")": "end", '"': "delimiter"}.get(character, self.state)
        return ""

    def _delimiter(self, character: str) -> str:
        self.state = {",": "item", "]": "arguments"}.get(character, self.state)
        return "" if character in ",] " else "Expecting ',', ']', or whitespace"

    def _arguments(self, character: str) -> str:
        self.state = "end" if character == ")" else self.state
        return "" if character in ") " else "Expecting ')' or whitespace after '{}', but found '{}'"

    def _end(self, character: str) -> str:
        self.state = "literal" if character == "%" else self.state
        return "" if character in "% " else "Expecting '%' or whitespace after"
