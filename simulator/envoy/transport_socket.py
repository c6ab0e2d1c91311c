"""How a proxy encrypts what it sends to an endpoint, and what a filter chain demands of a client.

Envoy: source/common/upstream/transport_socket_match_impl.cc (first match whose labels the endpoint's metadata has),
source/extensions/transport_sockets/tls. Names in the metadata are compared as JSON values.
"""

from dataclasses import dataclass

from simulator.envoy.documents import child, children, flag, package, text, texts, typed, unpack
from simulator.model.requests import Request, Tls
from simulator.model.wire import Json

_MATCH_METADATA = "envoy.transport_socket_match"
_TLS = "envoy.extensions.transport_sockets.tls.v3."


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The encryption chosen for an endpoint."""

    tls: Tls
    because: str
    name: str = ""
    sni: str = ""
    alpn: tuple[str, ...] = ()
    document: Json | None = None


def upstream(cluster: Json, endpoint: Json) -> Upstream:
    """Choose the transport socket of a cluster for one of its endpoints."""
    wanted = child(child(child(endpoint, "metadata"), "filter_metadata"), _MATCH_METADATA)
    for entry in children(cluster, "transport_socket_matches"):
        labels = child(entry, "match")
        if all(wanted.get(key) == value for key, value in labels.items()):
            shown = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
            name = text(entry, "name")
            because = f"the endpoint has {shown}" if shown else "it takes every endpoint"
            return _described(child(entry, "transport_socket"), because=f"{name}: {because}", name=name)
    if "transport_socket" in cluster:
        return _described(child(cluster, "transport_socket"), because="the cluster's transport socket", name="")
    return Upstream(tls=Tls.NONE, because="the cluster has no transport socket")


def _described(socket: Json, *, because: str, name: str) -> Upstream:
    config = child(socket, "typed_config")
    kind = package(config)
    if kind == f"{_TLS}UpstreamTlsContext":
        common = child(config, "common_tls_context")
        mutual = any(
            common.get(field)
            for field in (
                "tls_certificates",
                "tls_certificate_sds_secret_configs",
                "tls_certificate_provider_instance",
            )
        )
        return Upstream(
            tls=Tls.MUTUAL if mutual else Tls.SIMPLE,
            because=because,
            name=name,
            sni=text(config, "sni"),
            alpn=texts(common, "alpn_protocols"),
            document=socket,
        )
    if kind.endswith("InternalUpstreamTransport"):
        inner = _described(child(config, "transport_socket"), because=because, name=name)
        return Upstream(tls=inner.tls, because=because, name=name, sni=inner.sni, alpn=inner.alpn, document=socket)
    if kind.endswith("ProxyProtocolUpstreamTransport"):
        return _described(child(config, "transport_socket"), because=f"{because}, after PROXY protocol", name=name)
    return Upstream(tls=Tls.NONE, because=because, name=name, document=socket)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downstream:
    """What a filter chain's transport socket says to a client."""

    accepted: bool
    because: str
    alpn: str = ""
    """The application protocol agreed on."""


def downstream(chain: Json, request: Request) -> Downstream:
    """Tell whether the handshake that a filter chain asks for succeeds."""
    socket = child(chain, "transport_socket")
    if not socket:
        return Downstream(accepted=True, because="the filter chain does not decrypt")
    kind, config = typed(socket)
    if kind != "DownstreamTlsContext":
        return Downstream(accepted=True, because=f"transport socket {text(socket, 'name')}")
    if request.tls is Tls.NONE:
        return Downstream(accepted=False, because="the filter chain expects TLS and the client sends plain text")
    if flag(config, "require_client_certificate") and request.tls is not Tls.MUTUAL:
        return Downstream(accepted=False, because="the filter chain demands a client certificate, and none was sent")
    offered = texts(child(config, "common_tls_context"), "alpn_protocols")
    # the server's order decides between protocols that both sides know
    agreed = next((name for name in offered if name in request.alpn), "")
    client = f", client {request.identity}" if request.identity else ""
    shown = f"mutual TLS{client}" if request.tls is Tls.MUTUAL else "TLS"
    return Downstream(accepted=True, because=f"{shown} accepted", alpn=agreed)


def alpn_overrides(filters: list[Json], *, cluster: Json, upstream_protocol: str) -> tuple[str, ...]:
    """Return the ALPN names that an ALPN filter of the connection manager puts in place of the cluster's."""
    metadata = child(child(cluster, "metadata"), "filter_metadata")
    if any(isinstance(part, dict) and part.get("alpn_override") == "false" for part in metadata.values()):
        return ()
    for item in filters:
        config = child(item, "typed_config")
        if package(config).endswith("alpn.v2alpha1.FilterConfig"):
            for entry in children(unpack(config)[1], "alpn_override"):
                if (text(entry, "upstream_protocol") or "HTTP10") == upstream_protocol:
                    return texts(entry, "alpn_override")
    return ()
