"""`proxyHeaders` of a ProxyConfig: which headers a proxy adds and what it calls itself.

istiod: pilot/pkg/networking/util/proxy_headers.go.
"""

from dataclasses import dataclass
from typing import Any

from simulator.model.wire import Json
from simulator.xds.documents import Document
from simulator.xds.envoy_messages import message
from simulator.xds.listener_settings import ListenerClass

SERVER_NAME = "istio-envoy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyHeaders:
    """The choices that a connection manager shows."""

    manager: Json
    """Fields of the connection manager itself."""
    forwarded_client_cert: str
    client_cert_details: Json
    quiet: bool
    """No `x-envoy-*` headers."""
    in_mesh_metadata: bool
    """Peer metadata headers stay inside the mesh."""
    preserve_case: bool


def proxy_headers(config: Document, cls: ListenerClass) -> ProxyHeaders:
    """Read the headers of a proxy configuration for one listener class; outbound keeps Envoy's own server name."""
    headers: Json = config.get("proxyHeaders", default={})
    server: Json = headers.get("server") or {}
    disabled = bool(server.get("disabled"))
    default = "" if cls is ListenerClass.OUTBOUND else SERVER_NAME
    manager = message(
        server_name="" if disabled else server.get("value") or default,
        server_header_transformation="PASS_THROUGH" if disabled else None,
        generate_request_id=False if _is_set(headers, "requestId", "disabled") else None,
        append_x_forwarded_port=True if _is_set(headers, "xForwardedPort", "enabled") else None,
    )
    forwarded = headers.get("forwardedClientCert") or "UNDEFINED"
    return ProxyHeaders(
        manager=manager,
        forwarded_client_cert="APPEND_FORWARD" if forwarded == "UNDEFINED" else forwarded,
        client_cert_details=headers.get("setCurrentClientCertDetails") or {},
        quiet=_is_set(headers, "envoyDebugHeaders", "disabled"),
        in_mesh_metadata=(headers.get("metadataExchangeHeaders") or {}).get("mode") == "IN_MESH",
        preserve_case=bool(headers.get("preserveHttp1HeaderCase")),
    )


def _is_set(headers: Json, name: str, field: str) -> bool:
    value: Any = (headers.get(name) or {}).get(field)
    return bool(value)
