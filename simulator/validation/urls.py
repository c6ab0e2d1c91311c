"""Checks of URLs, with the error messages of Go's net/url, which Istio's rules print."""

import ipaddress
import re
from dataclasses import dataclass

from simulator.model.go_text import quote
from simulator.validation.ip_addresses import address_problem

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_BAD_HOST = re.compile(r"[\x20#/?@\\^`{|}]|%(?![0-9A-Fa-f]{2}).{0,2}|%(?!25)[0-7].", re.DOTALL)
_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*\Z")


class _Refused(Exception):
    """A text is not a URL, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """The parts of a URL that Istio's rules read; `problem` is set where the text is not a URL."""

    scheme: str = ""
    problem: str = ""


def parse(text: str, *, absolute: bool = False) -> Url:
    """Read a URL; `absolute` requires a scheme or a path that begins with `/`, and keeps a `#` in it."""
    shown = text if absolute else text.partition("#")[0]
    try:
        return Url(scheme=_scheme_of(shown, absolute=absolute))
    except _Refused as refused:
        return Url(problem=f"parse {quote(shown)}: {refused}")


def _scheme_of(text: str, *, absolute: bool) -> str:
    if _CONTROL.search(text):
        raise _Refused("net/url: invalid control character in URL")
    if not text and absolute:
        raise _Refused("empty url")
    if text == "*":
        return ""
    scheme, rest = _split(text)
    rest = rest.partition("?")[0]
    if not rest.startswith("/"):
        if scheme:
            return scheme
        if absolute:
            raise _Refused("invalid URI for request")
        if ":" in rest.partition("/")[0]:
            raise _Refused("first path segment in URL cannot contain colon")
    if rest.startswith("//") and (scheme or not (absolute or rest.startswith("///"))):
        authority, slash, path = rest[2:].partition("/")
        _check_authority(authority)
        rest = slash + path
    if bad := _BAD_ESCAPE.search(rest):
        raise _Refused(f"invalid URL escape {quote(bad[0])}")
    return scheme


def _split(text: str) -> tuple[str, str]:
    if text.startswith(":"):
        raise _Refused("missing protocol scheme")
    found = _SCHEME.match(text)
    if found and text[found.end() : found.end() + 1] == ":":
        return found[0].lower(), text[found.end() + 1 :]
    return "", text


def _check_authority(authority: str) -> None:
    user, at, host = authority.rpartition("@")
    if host.startswith("["):
        _check_literal(host)
    else:
        _check_host(host)
    if at and not _USER.match(user):
        raise _Refused("net/url: invalid userinfo")
    if at and (bad := _BAD_ESCAPE.search(user)):
        raise _Refused(f"invalid URL escape {quote(bad[0])}")


def _check_literal(host: str) -> None:
    inside, bracket, port = host[1:].rpartition("]")
    if not bracket:
        raise _Refused("missing ']' in host")
    _check_port(port)
    try:
        ipaddress.IPv6Address(inside.replace("%25", "%"))
    except ValueError:
        raise _Refused(f"invalid host: {address_problem(inside)}") from None


def _check_host(host: str) -> None:
    if "[" in host:
        raise _Refused("invalid IP-literal")
    _check_port("".join(host.rpartition(":")[1:]) if ":" in host else "")
    bad = _BAD_HOST.search(host)
    if bad and bad[0].startswith("%"):
        raise _Refused(f"invalid URL escape {quote(bad[0])}")
    if bad:
        raise _Refused(f"invalid character {quote(bad[0])} in host name")


def _check_port(text: str) -> None:
    if text and not re.fullmatch(r":\d*", text, re.ASCII):
        raise _Refused(f"invalid port {quote(text)} after host")
