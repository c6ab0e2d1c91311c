"""Checks of IP addresses and CIDR ranges, with the error messages of Go's net/netip."""

import re

from simulator.model.go_text import quote

_HEX = re.compile(r"[0-9A-Fa-f]*")
_BITS = re.compile(r"0|[1-9]\d*", re.ASCII)
_GROUPS, _BYTES = 16, 2


class _Refused(Exception):
    """A text is not an address; `rest` is the part that cannot be read."""

    def __init__(self, message: str, rest: str = "") -> None:
        super().__init__(f"{message} (at {quote(rest)})" if rest else message)


def address_problem(text: str) -> str:
    """Return what is wrong with an address; empty for a valid one."""
    first = re.search(r"[.:%]", text)
    try:
        if first is None:
            raise _Refused("unable to parse IP")
        if first[0] == "%":
            raise _Refused("missing IPv6 address")
        _check_4(text) if first[0] == "." else _check_6(text)
    except _Refused as refused:
        return f"ParseAddr({quote(text)}): {refused}"
    return ""


def prefix_problem(text: str) -> str:
    """Return what is wrong with a range in CIDR notation; empty for a valid one."""
    host, slash, bits = text.rpartition("/")
    if not slash:
        return "no '/'"
    if problem := address_problem(host):
        return problem
    if "%" in host:
        return "IPv6 zones cannot be present in a prefix"
    if not _BITS.fullmatch(bits):
        return f"bad bits after slash: {quote(bits)}"
    return "prefix length out of range" if int(bits) > (128 if ":" in host else 32) else ""


def _check_4(text: str) -> None:
    value = digits = dots = 0
    for number, character in enumerate(text):
        if "0" <= character <= "9":
            if digits == 1 and value == 0:
                raise _Refused("IPv4 field has octet with leading zero")
            value, digits = value * 10 + int(character), digits + 1
            if value > 255:
                raise _Refused("IPv4 field has value >255")
        elif character == ".":
            if number in (0, len(text) - 1) or text[number - 1] == ".":
                raise _Refused("IPv4 field must have at least one digit", text[number:])
            if dots == 3:
                raise _Refused("IPv4 address too long")
            value, digits, dots = 0, 0, dots + 1
        else:
            raise _Refused("unexpected character", text[number:])
    if dots < 3:
        raise _Refused("IPv4 address too short")


def _check_6(text: str) -> None:
    rest, percent, zone = text.partition("%")
    if percent and not zone:
        raise _Refused("zone must be a non-empty string")
    shortened = rest.startswith("::")
    rest = rest[2:] if shortened else rest
    filled = 0
    while rest and filled < _GROUPS:
        size = _group(rest)
        if rest[size : size + 1] == ".":
            if not shortened and filled != _GROUPS - 4:
                raise _Refused("embedded IPv4 address must replace the final 2 fields of the address", rest)
            if filled + 4 > _GROUPS:
                raise _Refused("too many hex fields to fit an embedded IPv4 at the end of the address", rest)
            _check_4(rest)
            filled, rest = filled + 4, ""
            break
        filled, rest = filled + _BYTES, rest[size:]
        if rest:
            rest, shortens = _after_group(rest, shortened=shortened)
            shortened = shortened or shortens
    _check_length(rest, filled, shortened=shortened)


def _group(rest: str) -> int:
    """Return the number of digits in the group at the beginning of a text."""
    size = len(_HEX.match(rest)[0])  # type: ignore[index]
    if size > 4:
        raise _Refused("each group must have 4 or less digits", rest)
    if size == 0:
        raise _Refused("each colon-separated field must have at least one digit", rest)
    return size


def _after_group(rest: str, *, shortened: bool) -> tuple[str, bool]:
    """Return the text after the `:` or `::` that ends a group, and whether it was `::`, which stands for zeros."""
    if rest[0] != ":":
        raise _Refused("unexpected character, want colon", rest)
    if len(rest) == 1:
        raise _Refused("colon must be followed by more characters", rest)
    rest = rest[1:]
    if rest[0] != ":":
        return rest, False
    if shortened:
        raise _Refused("multiple :: in address", rest)
    return rest[1:], True


def _check_length(rest: str, filled: int, *, shortened: bool) -> None:
    if rest:
        raise _Refused("trailing garbage after address", rest)
    if filled < _GROUPS and not shortened:
        raise _Refused("address string too short")
    if filled == _GROUPS and shortened:
        raise _Refused("the :: must expand to at least one field of zeros")
