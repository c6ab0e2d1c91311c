"""What the HTTP/1 codec accepts, and how it reads the request target and Host.

Envoy: source/common/http/http1/{balsa_parser,codec_impl}.cc. An absolute target beats the Host header; a front proxy
(`use_remote_address`) refuses `https://` targets over plain text. Two Host lines are joined by a comma.
"""

import re
from dataclasses import dataclass

from simulator.envoy.headers import Message
from simulator.model.requests import Request, Tls

_METHODS = frozenset(
    {
        "ACL", "BIND", "CHECKOUT", "CONNECT", "COPY", "DELETE", "GET", "HEAD", "LINK", "LOCK", "MERGE",
        "MKACTIVITY", "MKCALENDAR", "MKCOL", "MOVE", "MSEARCH", "NOTIFY", "OPTIONS", "PATCH", "POST",
        "PROPFIND", "PROPPATCH", "PURGE", "PUT", "REBIND", "REPORT", "SEARCH", "SOURCE", "SUBSCRIBE", "TRACE",
        "UNBIND", "UNLINK", "UNLOCK", "UNSUBSCRIBE",
    }
)  # fmt: skip
_PATH = re.compile(r"[\t\x0c!-~]*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")
_HOST = re.compile(r"[A-Za-z0-9!$%&'()*+,\-.:;=@\[\]_~]*")
_AUTHORITY = re.compile(r"[A-Za-z0-9\-._~%!$&'()\[\]*+,;=:@]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer given before the request is routed."""

    status: int
    details: str
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """The head as the codec hands it on; its scheme is empty unless the target named one."""

    message: Message
    has_host: bool
    """An empty Host header is one, too."""


_CODEC_ERROR = Refusal(status=400, details="http1.codec_error", body="Bad Request")


def decode(request: Request, *, refuse_https_target: bool) -> Decoded | Refusal:
    """Read the head of a request, or tell how the codec refuses it."""
    if request.method not in _METHODS:
        return _CODEC_ERROR
    connect = request.method == "CONNECT"
    parts = _split_target(request.target, connect=connect)
    if parts is None:
        return _CODEC_ERROR
    scheme, host, path = parts
    if scheme not in ("", "http", "https"):
        return Refusal(status=400, details="http1.invalid_scheme", body="Bad Request")
    if scheme == "https" and refuse_https_target and request.tls is Tls.NONE:
        return Refusal(status=403, details="http1.https_url_on_plaintext_connection", body="Forbidden")
    lines = ([] if request.omits_host else [request.host_header]) + list(request.values("host"))
    authority = host or ",".join(lines)
    if not _AUTHORITY.fullmatch(authority):
        return Refusal(status=400, details="http.invalid_authority", body="Bad Request")
    fields = tuple((name.lower(), value.strip(" \t")) for name, value in request.headers if name.lower() != "host")
    return Decoded(
        has_host=bool(host or lines),
        message=Message(
            method=request.method, path="" if connect else path, authority=authority, scheme=scheme, fields=fields
        ),
    )


def _split_target(target: str, *, connect: bool) -> tuple[str, str, str] | None:
    """Return scheme, host and path of a request target, empty where it has none; None when it is no target."""
    if target.startswith(("/", "*")):
        return ("", "", target) if _PATH.fullmatch(target) and not connect else None
    scheme = ""
    rest = target
    if not connect:
        match = _SCHEME.match(target)
        if match is None:
            return None
        scheme, rest = match[1].lower(), target[match.end() :]
    cut = next((index for index, character in enumerate(rest) if character in "/?"), len(rest))
    host, path = rest[:cut], rest[cut:]
    if not host or not _HOST.fullmatch(host) or "@@" in host or not _PATH.fullmatch(path):
        return None
    return scheme, host, path if path.startswith("/") else f"/{path}"
