"""What the HTTP codecs accept, and how they read the head of a request.

Envoy: source/common/http/http1/{balsa_parser,codec_impl}.cc, source/common/http/{header_map_impl,utility}.cc. An
absolute target beats the Host header; a front proxy (`use_remote_address`) refuses `https://` targets over plain text.
The headers that `Connection` names are left out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from simulator.envoy.header_lines import Fields, one_line
from simulator.envoy.headers import Message
from simulator.envoy.request_target import Target, parse_target
from simulator.model.requests import Request, Tls, Wire

_METHODS = frozenset(
    {
        "ACL", "BIND", "CHECKOUT", "CONNECT", "COPY", "DELETE", "GET", "HEAD", "LINK", "LOCK", "MERGE",
        "MKACTIVITY", "MKCALENDAR", "MKCOL", "MOVE", "MSEARCH", "NOTIFY", "OPTIONS", "PATCH", "POST",
        "PROPFIND", "PROPPATCH", "PURGE", "PUT", "QUERY", "REBIND", "REPORT", "SEARCH", "SOURCE", "SUBSCRIBE",
        "TRACE", "UNBIND", "UNLINK", "UNLOCK", "UNSUBSCRIBE",
    }
)  # fmt: skip
_AUTHORITY = re.compile(r"[A-Za-z0-9\-._~%!$&'()\[\]*+,;=:@]*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LONGEST_LENGTH = 19
_MOST_NOMINATED = 9
_NEVER_NOMINATED = frozenset({"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer given before the request is routed."""

    status: int
    details: str
    body: str = ""
    flags: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a head is read."""

    bytes: int = 60 * 1024
    lines: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """The head as the codec hands it on; its scheme is empty unless the target named one."""

    message: Message
    has_host: bool
    """An empty Host header is one, too."""


def protocol_error(details: str, status: int = 400) -> Refusal:
    """Return the answer to a request that breaks the protocol."""
    return Refusal(status=status, details=details, body=HTTPStatus(status).phrase, flags="DPE")


def decode(request: Request, *, refuse_https_target: bool, limits: Limits) -> Decoded | Refusal:
    """Read the head of a request, or tell how the codec refuses it."""
    own = () if request.omits_host else (("host", request.host_header),)
    fields = tuple((name.lower(), value.replace("\r", "").strip(" \t")) for name, value in (*own, *request.headers))
    if request.wire is Wire.HTTP2:
        target = Target(path="" if request.method == "CONNECT" else request.target)
    else:
        read = _read_http1(request, fields, limits)
        if isinstance(read, Refusal):
            return read
        target, fields = read
        if target.scheme == "https" and refuse_https_target and request.tls is Tls.NONE:
            return protocol_error("http1.https_url_on_plaintext_connection", 403)
    hosts = [value for name, value in fields if name == "host"]
    return Decoded(
        has_host=bool(target.authority or hosts),
        message=Message(
            method=request.method,
            path=target.path,
            authority=target.authority or ",".join(host for host in hosts if host),
            scheme=target.scheme,
            fields=one_line(field for field in fields if field[0] != "host"),
        ),
    )


def is_authority(text: str) -> bool:
    """Tell whether a Host header has only characters that an authority may have."""
    return _AUTHORITY.fullmatch(text) is not None


def _read_http1(request: Request, fields: Fields, limits: Limits) -> tuple[Target, Fields] | Refusal:
    """Return the target, and the headers that are left; or why the request is refused."""
    if len(request.target) + sum(len(name) + len(value) for name, value in fields) > limits.bytes:
        return protocol_error("http1.headers_too_large", 431)
    if any(_CONTROL.search(text) for text in (request.target, *(text for field in fields for text in field))):
        return protocol_error("http1.invalid_characters")
    target = parse_target(request.target, request.method) if request.method in _METHODS else None
    if target is None or not all(_TOKEN.fullmatch(name) for name, _ in fields) or not _length_is_sound(fields):
        return protocol_error("http1.codec_error")
    if len(fields) > limits.lines:
        return protocol_error("http1.too_many_headers", 431)
    refusal = _framing_refusal(fields)
    if refusal is not None:
        return refusal
    left = without_nominated(fields)
    if left is None:
        return protocol_error("http1.connection_header_rejected")
    return protocol_error(target.refusal) if target.refusal else (target, left)


def _length_is_sound(fields: Fields) -> bool:
    """Tell whether Content-Length is there once at most, and a number."""
    lengths = [value for name, value in fields if name == "content-length"]
    return not lengths or (
        len(lengths) == 1 and lengths[0].isascii() and lengths[0].isdigit() and len(lengths[0]) <= _LONGEST_LENGTH
    )


def _framing_refusal(fields: Fields) -> Refusal | None:
    encodings = [value for name, value in fields if name == "transfer-encoding"]
    if not encodings:
        return None
    if [encoding.lower() for encoding in encodings] != ["chunked"]:
        return protocol_error("http1.invalid_transfer_encoding", 501)
    if any(name == "content-length" for name, _ in fields):
        return protocol_error("http1.content_length_and_chunked_not_allowed")
    return None


def without_nominated(fields: Fields) -> Fields | None:
    """Leave out the headers that belong to this connection alone; None when `Connection` may not name them.

    An upgrade needs its headers, so it keeps them.
    """
    named = [value for name, value in fields if name == "connection"]
    tokens = [token.strip(" \t").lower() for token in ",".join(named).split(",")]
    tokens = [token for token in tokens if token]
    if not tokens or (is_upgrade(fields) and _upgrade_kind(fields) != "h2c"):
        return fields
    if len(tokens) > _MOST_NOMINATED or any(token.startswith(":") or token in _NEVER_NOMINATED for token in tokens):
        return None
    dropped = set(tokens)
    kept = tuple(field for field in fields if field[0] not in dropped or field[0] == "transfer-encoding")
    trailers = any("trailers" in value.lower() for name, value in fields if name == "te")
    return (*kept, ("te", "trailers")) if trailers and "te" in dropped else kept


def _upgrade_kind(fields: Fields) -> str:
    return next((value.lower() for name, value in fields if name == "upgrade"), "")


def is_upgrade(fields: Iterable[tuple[str, str]]) -> bool:
    """Tell whether the headers ask for another protocol, even with an empty `Upgrade`."""
    listed = tuple(fields)
    asked = any(name == "connection" and "upgrade" in value.lower() for name, value in listed)
    return asked and any(name == "upgrade" for name, _ in listed)
