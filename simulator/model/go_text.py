"""Text as Go's standard library writes it: istiod quotes with `%q` in messages, and for RE2 in configuration."""

import re

_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def quote(value: str) -> str:
    """Return a string as Go's %q does."""
    return f'"{"".join(map(_escaped, value))}"'


def quote_meta(text: str) -> str:
    """Escape the characters that RE2 takes for operators, and no others, as regexp.QuoteMeta does."""
    return re.sub(r"[\\.+*?()|\[\]{}^$]", lambda special: "\\" + special[0], text)


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    point = ord(character)
    if point < 0x80:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
