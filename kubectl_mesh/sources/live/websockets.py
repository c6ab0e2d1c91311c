"""Upgraded requests to an API server: the carrier of port-forward and exec.

The Python client's own sends no impersonation headers and has no deadline.
"""

import ssl
from typing import Any
from urllib.parse import urlsplit

from kubectl_mesh.sources.live.api import ApiServer
from kubectl_mesh.sources.live.failures import refused, unreachable

_PROTOCOL = "v4.channel.k8s.io"


def open_websocket(api: ApiServer, path: str, *, what: str) -> Any:
    """Return a WebSocket whose messages begin with the number of a channel. `what` is the subject of errors."""
    import websocket

    configuration = api.access.configuration
    parts = urlsplit(api.host)
    scheme = "wss" if parts.scheme == "https" else "ws"
    headers = [f"{name}: {value}" for name, value in (*api.access.headers().items(), *api.access.impersonation)]
    connection: Any = websocket.WebSocket(sslopt=_tls(configuration) if scheme == "wss" else {})
    connection.settimeout(api.access.timeout)
    options: dict[str, Any] = {"header": headers, "subprotocols": [_PROTOCOL], "suppress_origin": True}
    proxy = urlsplit(getattr(configuration, "proxy", None) or "")
    if proxy.hostname:
        bypass = getattr(configuration, "no_proxy", None) or ""
        options |= {"http_proxy_host": proxy.hostname, "http_proxy_port": proxy.port or 80, "proxy_type": "http"}
        options["http_no_proxy"] = [host.strip() for host in bypass.split(",") if host.strip()]
    else:
        options["http_no_proxy"] = ["*"]
    try:
        connection.connect(f"{scheme}://{parts.netloc}{parts.path}{path}", **options)
    except websocket.WebSocketBadStatusException as error:
        body = error.resp_body or b""
        raise refused(error.status_code, body if isinstance(body, bytes) else str(body).encode(), what=what) from error
    except (websocket.WebSocketException, OSError) as error:
        raise unreachable(error, host=api.host) from error
    return connection


def _tls(configuration: Any) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if configuration.verify_ssl:
        options["cert_reqs"] = ssl.CERT_REQUIRED
        if configuration.ssl_ca_cert:
            options["ca_certs"] = configuration.ssl_ca_cert
    else:
        options |= {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    if configuration.cert_file:
        options["certfile"] = configuration.cert_file
    if configuration.key_file:
        options["keyfile"] = configuration.key_file
    if configuration.tls_server_name:
        options["server_hostname"] = configuration.tls_server_name
    return options
