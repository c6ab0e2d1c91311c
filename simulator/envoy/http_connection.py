"""The HTTP connection manager: from the bytes of a request to the message that is routed.

Envoy: source/common/http/conn_manager_impl.cc (decodeHeaders), conn_manager_utility.cc (mutateRequestHeaders,
maybeNormalizePath, maybeNormalizeHost).
"""

from dataclasses import dataclass, replace

from simulator.envoy.addresses import longest_prefix, parse_ip
from simulator.envoy.connections import Connection
from simulator.envoy.documents import child, children, flag, integer, text
from simulator.envoy.headers import Message
from simulator.envoy.http_codec import Decoded, Limits, Refusal, decode, is_authority, is_upgrade, protocol_error
from simulator.envoy.paths import merge_slashes, normalize, unescape_slashes
from simulator.model.requests import Request, Tls, Wire
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A request as it is routed, and the client address the proxy trusts."""

    message: Message
    remote_ip: str
    changes: tuple[str, ...] = ()
    refusal: Refusal | None = None
    """An answer given before routing; `message` is as far as the manager got."""
    decoded: bool = True
    """The codec could read the request."""


def accept(manager: Json, connection: Connection) -> Accepted:
    """Apply the options of an HttpConnectionManager to a request."""
    own_address = flag(manager, "use_remote_address")
    decoded = decode(
        connection.request,
        refuse_https_target=own_address and not integer(manager, "xff_num_trusted_hops"),
        limits=_limits(manager),
    )
    if not isinstance(decoded, Refusal):
        decoded = _first_check(manager, connection.request, decoded)
    if isinstance(decoded, Refusal):
        nothing = Message(method=connection.request.method, path="", authority="")
        return Accepted(message=nothing, remote_ip=connection.source_ip, refusal=decoded, decoded=False)
    message = decoded.message
    refusal = _check(message, has_host=decoded.has_host)
    if refusal is not None:
        return Accepted(message=message, remote_ip=connection.source_ip, refusal=refusal)
    changes: list[str] = []
    path = _path(manager, message)
    if path is None:
        refused = Refusal(status=400, details="path_normalization_failed")
        return Accepted(message=message, remote_ip=connection.source_ip, refusal=refused)
    if path != message.path:
        action = text(manager, "path_with_escaped_slashes_action")
        if action == "UNESCAPE_AND_REDIRECT" and unescape_slashes(message.path) != message.path:
            redirect = Refusal(status=307, details="path_normalization_failed", location=path)
            return Accepted(message=replace(message, path=path), remote_ip=connection.source_ip, refusal=redirect)
        changes.append(f"path {message.path} becomes {path}")
        message = replace(message, path=path)
    authority = _authority(manager, message.authority, connection)
    if authority != message.authority:
        changes.append(f"host {message.authority} becomes {authority}")
        message = replace(message, authority=authority)
    message, remote = _forwarding_headers(manager, message, connection)
    return Accepted(message=message, remote_ip=remote, changes=tuple(changes))


def _limits(manager: Json) -> Limits:
    defaults = Limits()
    lines = integer(child(manager, "common_http_protocol_options"), "max_headers_count", defaults.lines)
    return Limits(bytes=integer(manager, "max_request_headers_kb", defaults.bytes // 1024) * 1024, lines=lines)


def _first_check(manager: Json, request: Request, decoded: Decoded) -> Decoded | Refusal:
    """Refuse what the manager does not even look for a route for; give HTTP/1.0 requests the host they lack."""
    options = child(manager, "http_protocol_options")
    if request.wire is Wire.HTTP10:
        if not flag(options, "accept_http_10"):
            return protocol_error("low_version", 426)
        default = text(options, "default_host_for_http_10")
        if default and not decoded.has_host:
            return replace(decoded, has_host=True, message=replace(decoded.message, authority=default))
    return decoded if is_authority(decoded.message.authority) else protocol_error("http.invalid_authority")


def _check(message: Message, *, has_host: bool) -> Refusal | None:
    if not has_host:
        return Refusal(status=400, details="missing_host_header")
    if message.method != "CONNECT" and not message.path.startswith("/"):
        return Refusal(status=404, details="absolute_path_rejected")
    if (
        is_upgrade(message.fields)
        and message.value("upgrade") == "connect-udp"
        and not message.path.startswith(_UDP_PATH)
    ):
        return Refusal(status=404, details="invalid_path", body="The path is incorrect for CONNECT-UDP")
    if message.method == "QUERY" and not message.value("content-type"):
        return Refusal(status=400, details="query_missing_content_type")
    return None


def _path(manager: Json, message: Message) -> str | None:
    path = message.path
    if not path:
        return path
    if "#" in path:
        return None
    action = text(manager, "path_with_escaped_slashes_action")
    if action in ("REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"):
        unescaped = unescape_slashes(path)
        if unescaped != path and action == "REJECT_REQUEST":
            return None
        path = unescaped
    if flag(manager, "normalize_path"):
        normalized = normalize(path)
        if normalized is None:
            return None
        path = normalized
    return merge_slashes(path) if flag(manager, "merge_slashes") else path


def _authority(manager: Json, authority: str, connection: Connection) -> str:
    if flag(manager, "strip_trailing_host_dot"):
        host, colon, port = authority.rpartition(":") if port_start(authority) is not None else (authority, "", "")
        authority = host.removesuffix(".") + colon + port
    start = port_start(authority)
    if start is None:
        return authority
    port = authority[start + 1 :]
    if not (port.isascii() and port.isdigit()):
        return authority  # only a number is a port to strip
    if flag(manager, "strip_any_host_port") or (
        flag(manager, "strip_matching_host_port") and port == str(connection.destination_port)
    ):
        return authority[:start]
    return authority


def port_start(authority: str) -> int | None:
    """Return where the colon before a port is, valid or not; None when there is none outside brackets."""
    colon = authority.rfind(":")
    return colon if colon >= 0 and authority.rfind("]") < colon else None


_UDP_PATH = "/.well-known/masque/udp/"
_EDGE_HEADERS = (
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-ip-tags",
    "x-envoy-max-retries",
    "x-envoy-original-path",
    "x-envoy-original-url",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms",
)


def _forwarding_headers(manager: Json, message: Message, connection: Connection) -> tuple[Message, str]:
    hops = integer(manager, "xff_num_trusted_hops")
    encrypted = connection.request.tls is not Tls.NONE
    own_scheme = "https" if encrypted else "http"
    forwarded = [part.strip() for value in message.values("x-forwarded-for") for part in value.split(",")]
    remote = connection.source_ip
    if flag(manager, "use_remote_address"):
        if hops > 0 and len(forwarded) >= hops:
            remote = _address(forwarded[-hops], connection)
        if not flag(manager, "skip_xff_append") and connection.source_ip:
            message = message.with_field("x-forwarded-for", ",".join([*message.values("x-forwarded-for"), remote]))
        if hops == 0 or message.value("x-forwarded-proto") is None:
            message = message.with_field("x-forwarded-proto", own_scheme)
        if not _internal(manager, remote):
            message = message.without(_EDGE_HEADERS)
    else:
        if len(forwarded) > hops:
            remote = _address(forwarded[-hops - 1], connection)
        if message.value("x-forwarded-proto") is None:
            message = message.with_field("x-forwarded-proto", own_scheme)
    message = message.without(("x-envoy-internal",))
    if _internal(manager, remote) and len(forwarded) < 2:
        message = message.with_field("x-envoy-internal", "true")
    if not message.scheme:
        sent = (message.value("x-forwarded-proto") or "").lower()
        message = replace(message, scheme=sent if sent in ("http", "https") else own_scheme)
    return message, remote


def _address(text: str, connection: Connection) -> str:
    """Return the address that an earlier proxy reported, else the peer's; one with a port or brackets is malformed."""
    return text if parse_ip(text) is not None and "[" not in text else connection.source_ip


def _internal(manager: Json, address: str) -> bool:
    """Tell whether an address is internal to the operator; none is, unless the configuration says so."""
    ranges = children(child(manager, "internal_address_config"), "cidr_ranges")
    return longest_prefix(ranges, address) is not None
