"""External authorization providers → ext_authz filters (istiod: pilot/pkg/security/authz/builder/extauthz.go)."""

from collections.abc import Sequence

from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import message, optional_duration, typed
from simulator.xds.provider_clusters import ProviderCluster, provider_cluster

MATCH_PREFIX = "istio-ext-authz"
STAT_PREFIX = "istio_ext_authz_"
HTTP_FILTER, TCP_FILTER = "envoy.filters.http.ext_authz", "envoy.filters.network.ext_authz"
_STATUS_NAMES = """
100 Continue 200 OK 201 Created 202 Accepted 203 NonAuthoritativeInformation 204 NoContent 205 ResetContent
206 PartialContent 207 MultiStatus 208 AlreadyReported 226 IMUsed 300 MultipleChoices 301 MovedPermanently 302 Found
303 SeeOther 304 NotModified 305 UseProxy 307 TemporaryRedirect 308 PermanentRedirect 400 BadRequest 401 Unauthorized
402 PaymentRequired 403 Forbidden 404 NotFound 405 MethodNotAllowed 406 NotAcceptable 407 ProxyAuthenticationRequired
408 RequestTimeout 409 Conflict 410 Gone 411 LengthRequired 412 PreconditionFailed 413 PayloadTooLarge 414 URITooLong
415 UnsupportedMediaType 416 RangeNotSatisfiable 417 ExpectationFailed 421 MisdirectedRequest 422 UnprocessableEntity
423 Locked 424 FailedDependency 426 UpgradeRequired 428 PreconditionRequired 429 TooManyRequests
431 RequestHeaderFieldsTooLarge 500 InternalServerError 501 NotImplemented 502 BadGateway 503 ServiceUnavailable
504 GatewayTimeout 505 HTTPVersionNotSupported 506 VariantAlsoNegotiates 507 InsufficientStorage 508 LoopDetected
510 NotExtended 511 NetworkAuthenticationRequired
"""
_STATUSES = dict(zip(_STATUS_NAMES.split()[::2], _STATUS_NAMES.split()[1::2], strict=True))
_HEADER_LISTS = (
    "includeRequestHeadersInCheck",
    "includeHeadersInCheck",
    "headersToDownstreamOnDeny",
    "headersToDownstreamOnAllow",
    "headersToUpstreamOnAllow",
)


class InvalidProvider(ValueError):
    """A provider that is missing or cannot be used; istiod then denies what its policies select."""


def ext_authz(snapshot: Snapshot, name: str, *, tcp: bool) -> Json | None:
    """Return the filter that asks a provider; None for an HTTP provider on a TCP connection.

    Provider names are compared exactly here, and a name used twice is an error.
    """
    named = [item for item in snapshot.mesh.get("extensionProviders") or () if item.get("name") == name]
    found = [item for item in named if "envoyExtAuthzHttp" in item or "envoyExtAuthzGrpc" in item]
    if len(found) != 1:
        raise InvalidProvider(name)
    entry = found[0]
    if (http := entry.get("envoyExtAuthzHttp")) is not None:
        cluster = _checked(snapshot, name, http)
        return None if tcp else _http(name, http, cluster)
    grpc = entry.get("envoyExtAuthzGrpc") or {}
    return _grpc(name, grpc, _checked(snapshot, name, grpc), tcp=tcp)


def _checked(snapshot: Snapshot, name: str, config: Json) -> ProviderCluster:
    port = config.get("port") or 0
    found = provider_cluster(snapshot, config.get("service") or "", port)
    status = str(config.get("statusOnError") or "")
    wild = any("*" in (config.get(field) or ()) for field in _HEADER_LISTS)
    prefix = config.get("pathPrefix") or "/"
    known = not status or status in _STATUSES
    if found is None or not (1 <= port <= 65535 and not wild and known and prefix.startswith("/") and _is_name(name)):
        raise InvalidProvider(name)
    return found


def _is_name(name: str) -> bool:
    """Tell whether a name can be part of a policy's key: lower-case letters, digits and inner hyphens."""
    plain = name.isascii() and name == name.lower() and name.replace("-", "").isalnum()
    return plain and len(name) <= 63 and name == name.strip("-")


def _common(name: str, config: Json) -> Json:
    status = config.get("statusOnError")
    body = config.get("includeRequestBodyInCheck")
    return message(
        status_on_error={"code": _STATUSES[str(status)]} if status else None,
        failure_mode_allow=True if config.get("failOpen") else None,
        transport_api_version="V3",
        filter_enabled_metadata=_enabled("envoy.filters.http.rbac", name),
        with_request_body=None if body is None else _body(body),
    )


def _body(body: Json) -> Json:
    return message(
        max_request_bytes=body.get("maxRequestBytes") or 0,
        allow_partial_message=True if body.get("allowPartialMessage") else None,
        pack_as_bytes=True if body.get("packAsBytes") else None,
    )


def _enabled(rbac: str, name: str) -> Json:
    """Ask only for requests that the RBAC filter in front marked with a policy of this provider."""
    return {
        "filter": rbac,
        "path": [{"key": f"{STAT_PREFIX}shadow_effective_policy_id"}],
        "value": {"string_match": {"prefix": f"{MATCH_PREFIX}-{name}"}},
    }


def _http(name: str, config: Json, found: ProviderCluster) -> Json:
    added = config.get("includeAdditionalHeadersInCheck") or {}
    response = message(
        allowed_upstream_headers=_patterns(config.get("headersToUpstreamOnAllow")),
        allowed_client_headers=_patterns(config.get("headersToDownstreamOnDeny")),
        allowed_client_headers_on_success=_patterns(config.get("headersToDownstreamOnAllow")),
    )
    request = {"headers_to_add": [message(key=key, value=added[key]) for key in sorted(added)]}
    service = message(
        path_prefix=config.get("pathPrefix"),
        server_uri={
            "uri": f"http://{found.host}",
            "cluster": found.cluster,
            "timeout": optional_duration(config.get("timeout")) or "600s",
        },
        authorization_request=request if added else None,
        authorization_response=response or None,
    )
    allowed = _patterns(config.get("includeRequestHeadersInCheck")) or _patterns(config.get("includeHeadersInCheck"))
    return typed(
        HTTP_FILTER,
        "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
        http_service=service,
        allowed_headers=allowed,
        **_common(name, config),
    )


def _grpc(name: str, config: Json, found: ProviderCluster, *, tcp: bool) -> Json:
    service = {
        "envoy_grpc": {"cluster_name": found.cluster, "authority": found.host},
        "timeout": optional_duration(config.get("timeout")) or "600s",
    }
    if not tcp:
        return typed(
            HTTP_FILTER,
            "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            grpc_service=service,
            **_common(name, config),
        )
    return typed(
        TCP_FILTER,
        "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz",
        stat_prefix="tcp.",
        failure_mode_allow=True if config.get("failOpen") else None,
        transport_api_version="V3",
        grpc_service=service,
        filter_enabled_metadata=_enabled("envoy.filters.network.rbac", name),
    )


def _patterns(headers: Sequence[str] | None) -> Json | None:
    if not headers:
        return None
    return {"patterns": [{**_pattern(header), "ignore_case": True} for header in headers]}


def _pattern(header: str) -> Json:
    if header.startswith("*"):
        return {"suffix": header[1:]}
    return {"prefix": header[:-1]} if header.endswith("*") else {"exact": header}
