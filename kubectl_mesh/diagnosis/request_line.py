"""Parses the arguments of `trace`, a URL and flags like curl's, into a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from kubectl_mesh.errors import UsageError
from simulator.model.addresses import is_address
from simulator.model.requests import Request, Tls, Wire

_PORTS = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443, "h2c": 80, "ws": 80, "wss": 443, "tcp": 0, "tls": 443}
_ENCRYPTED = frozenset({"https", "grpcs", "wss", "tls"})
_WIRES = {"grpc": Wire.HTTP2, "grpcs": Wire.HTTP2, "h2c": Wire.HTTP2, "tcp": Wire.OPAQUE, "tls": Wire.OPAQUE}
_ALPN = {"https": ("h2", "http/1.1"), "grpcs": ("h2",), "wss": ("http/1.1",)}
_GRPC = (("content-type", "application/grpc"), ("te", "trailers"))
_UPGRADE = (("connection", "Upgrade"), ("upgrade", "websocket"))
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFlags:
    """Flags of `trace`; empty values were not given."""

    method: str = ""
    headers: Sequence[str] = ()
    source_ip: str = ""
    sni: str = ""
    tls: str = ""
    random: float | None = None


def read_request(url: str, flags: RequestFlags) -> Request:
    """Read a URL (`http` by default) and flags into a request; raise UsageError for one that no client could send."""
    parts = _split(url)
    scheme = parts.scheme
    wire = _WIRES.get(scheme, Wire.HTTP1)
    authority, headers = _headers(flags.headers, scheme=scheme)
    tls = _tls(flags.tls, scheme=scheme)
    host = (parts.hostname or "").strip()
    named = host if not is_address(host) else ""
    return Request(
        host=host,
        port=_port(parts, url),
        scheme="https" if scheme in _ENCRYPTED else "http",
        method=_method(flags.method, scheme=scheme),
        target=_target(parts),
        authority=authority,
        headers=headers,
        wire=wire,
        tls=tls,
        sni=flags.sni or (named if tls is not Tls.NONE else ""),
        alpn=_ALPN.get(scheme, ()) if tls is not Tls.NONE else (),
        source_ip=_address(flags.source_ip),
        random=_chance(flags.random),
    )


def _split(url: str) -> SplitResult:
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        raise UsageError(f"{url}: a URL holds no blanks or control characters", hint="percent-encode them")
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
    except ValueError as error:
        raise UsageError(f"{url}: {error}") from error
    if parts.scheme not in _PORTS:
        raise UsageError(f"{url}: unknown scheme {parts.scheme}", hint=f"schemes are {', '.join(_PORTS)}")
    if not parts.hostname:
        raise UsageError(f"{url}: no host", hint="write http://HOST[:PORT]/PATH")
    return parts


def _port(parts: SplitResult, url: str) -> int:
    try:
        given = parts.port
    except ValueError as error:
        raise UsageError(f"{url}: {error}") from error
    if given == 0 or (given is None and parts.scheme == "tcp"):
        raise UsageError(f"{url}: no port", hint=f"write {parts.scheme}://{parts.hostname}:PORT")
    return given if given is not None else _PORTS[parts.scheme]


def _target(parts: SplitResult) -> str:
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def _method(given: str, *, scheme: str) -> str:
    if given and not set(given) <= _TOKEN:
        raise UsageError(f"-X {given}: not a method")
    return given or ("POST" if scheme in ("grpc", "grpcs") else "GET")


def _headers(given: Sequence[str], *, scheme: str) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """Return the Host header, None when it is not given, and the others."""
    authority: str | None = None
    headers: list[tuple[str, str]] = []
    for line in given:
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not name or not set(name) <= _TOKEN or any(ord(c) < 0x20 and c != "\t" for c in value):
            raise UsageError(f"-H {line}: not a header", hint="write -H 'NAME: VALUE'")
        if name.lower() in ("host", ":authority"):
            authority = value
        else:
            headers.append((name, value))
    implied = _GRPC if scheme in ("grpc", "grpcs") else _UPGRADE if scheme in ("ws", "wss") else ()
    names = {name.lower() for name, _ in headers}
    return authority, (*headers, *(pair for pair in implied if pair[0] not in names))


def _tls(given: str, *, scheme: str) -> Tls:
    if not given:
        return Tls.SIMPLE if scheme in _ENCRYPTED else Tls.NONE
    if given not in {tls.value for tls in Tls}:
        raise UsageError(f"--tls {given}: not known", hint="--tls none|simple|mutual")
    return Tls(given)


def _chance(given: float | None) -> float | None:
    if given is not None and not 0 <= given <= 1:
        raise UsageError(f"--random {given}: not between 0 and 1")
    return None if given is None else min(given, 1 - 2**-53)


def _address(text: str) -> str:
    if text and not is_address(text):
        raise UsageError(f"--source-ip {text}: not an IP address")
    return text


def resolutions(given: Sequence[str]) -> dict[str, str]:
    """Read `--resolve HOST:IP`; curl's form with a port in between is accepted, the port is ignored."""
    found: dict[str, str] = {}
    for item in given:
        host, colon, rest = item.partition(":")
        port, _, address = rest.partition(":")
        if not is_address(rest.strip("[]")) and port.isdigit():
            rest = address
        if not colon or not host or not is_address(rest.strip("[]")):
            raise UsageError(f"--resolve {item}: not HOST:IP", hint="--resolve www.example.com:203.0.113.7")
        found[host.lower()] = rest.strip("[]")
    return found
