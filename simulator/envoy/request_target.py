"""The target of an HTTP/1 request: a path, an absolute URL, or host and port for CONNECT.

Envoy: source/common/http/http1/{balsa_parser,codec_impl}.cc (handlePath), source/common/http/utility.cc (Url). What the
parser lets through, and what Envoy then makes of it, are two different sets; each has a refusal of its own.
"""

import re
from dataclasses import dataclass

from simulator.envoy.addresses import parse_ip

_PATH = re.compile(r"[!-~]*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")
_HOST = re.compile(r"[A-Za-z0-9!$%&'()*+,\-.:;=@\[\]_~]*")
_NAME = re.compile(r"[A-Za-z0-9.\-]+")
_USER = re.compile(r"[^@\[\]]*@")
_LARGEST_PORT = 65_535

INVALID_URL = "http1.invalid_url"
INVALID_SCHEME = "http1.invalid_scheme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A request target in its parts, each empty where it has none."""

    scheme: str = ""
    authority: str = ""
    path: str = ""
    refusal: str = ""
    """Why Envoy refuses it, although the parser took it."""


def parse_target(target: str, method: str) -> Target | None:
    """Read a request target; None when the parser takes it for no target at all."""
    connect = method == "CONNECT"
    target = target.strip(" \t")
    if target.startswith(("/", "*")):
        if not _PATH.fullmatch(target):
            return None
        usable = not connect and (target.startswith("/") or method == "OPTIONS")
        return Target(path=target) if usable else Target(refusal=INVALID_URL)
    scheme, rest = "", target
    if not connect:
        match = _SCHEME.match(target)
        if match is None:
            return None
        scheme, rest = match[1].lower(), target[match.end() :]
    cut = next((index for index, character in enumerate(rest) if character in "/?"), len(rest))
    host, path = rest[:cut], rest[cut:]
    if not target or not _HOST.fullmatch(host) or "@@" in host or not _PATH.fullmatch(path):
        return None
    if connect:
        usable = not path and not host.startswith(":") and _is_host(host, needs_port=True)
        return Target(authority=host) if usable else Target(refusal=INVALID_URL)
    authority = _USER.sub("", host, count=1)
    if not _is_host(authority, needs_port=False):
        return Target(refusal=INVALID_URL)
    if scheme not in ("http", "https"):
        return Target(refusal=INVALID_SCHEME)
    return Target(scheme=scheme, authority=authority, path=path or "/")


def _is_host(text: str, *, needs_port: bool) -> bool:
    """Tell whether a text is a name or an address, an IPv6 one in brackets, and a port where one is given."""
    if text.startswith("["):
        host, bracket, port = text.rpartition("]")
        address = parse_ip(host[1:]) if bracket and not host[1:].startswith("[") else None
        if address is None or (port and not port.startswith(":")):
            return False
        return _is_port(port[1:]) if port else not needs_port
    host, colon, port = text.partition(":")
    if not _NAME.fullmatch(host):
        return False
    return _is_port(port) if colon else not needs_port


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= _LARGEST_PORT
