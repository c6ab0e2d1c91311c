"""TLS towards the endpoints of a cluster: which settings apply, and the transport sockets made of them.

istiod: pilot/pkg/networking/core/cluster_tls.go, pilot/pkg/networking/core/cluster_traffic_policy.go
(applyUpstreamProxyProtocol), pilot/pkg/model/push_context.go (BestEffortInferServiceMTLSMode).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.model.ports import Port
from simulator.model.services import Registry, Resolution, Service
from simulator.model.wire import Json
from simulator.registry.policies import MtlsMode
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client
from simulator.xds.cluster_draft import ClusterDraft
from simulator.xds.documents import Document
from simulator.xds.envoy_messages import typed
from simulator.xds.internal_sockets import PLAIN, RAW_BUFFER, tunnel_socket
from simulator.xds.traffic_policy import simple_balancer
from simulator.xds.upstream_tls_context import istio_context, user_context
from simulator.xds.view import Shared

_ISTIO_MATCH: Json = {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}}
PLAINTEXT_MATCH: Json = {"name": "tlsMode-disabled", "match": {}, "transport_socket": RAW_BUFFER}


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFacts:
    """What TLS depends on besides the rule: the cluster's identity and what clients infer of its service."""

    shared: Shared
    client: Client
    service: Service
    sni: str
    accounts: Sequence[str]
    mode: MtlsMode
    """The mode that clients infer for the service."""
    rule_has_selector: bool = False


def inferred_mode(snapshot: Snapshot, service: Service, port: Port, policy: Json | None) -> MtlsMode:
    """Infer a service's mTLS mode as clients do: by namespace, and for original destinations by all endpoints too."""
    if service.mesh_external:
        return MtlsMode.UNKNOWN
    if service.resolution is Resolution.PASSTHROUGH or simple_balancer(policy) == "PASSTHROUGH":
        endpoints = snapshot.endpoints(service, port.number)
        if not endpoints or any(endpoint.tls_mode == "disabled" for endpoint in endpoints):
            return MtlsMode.DISABLE
    mode = snapshot.namespace_mtls_mode(service.namespace)
    return MtlsMode.PERMISSIVE if mode is MtlsMode.UNKNOWN else mode


def apply_upstream_tls(snapshot: Snapshot, draft: ClusterDraft, *, tls: Json | None, facts: TlsFacts) -> None:
    """Give a cluster its transport socket, or the choice of sockets where mTLS was inferred and not asked for."""
    settings, inferred = _effective(snapshot, tls, facts)
    socket = _socket(snapshot, draft, settings, facts)
    is_istio = settings is not None and settings.get("mode") == "ISTIO_MUTUAL"
    matches: list[Json] = []
    if draft.type != "ORIGINAL_DST" and inferred and is_istio:
        matches = [{**_ISTIO_MATCH, "transport_socket": socket}, PLAINTEXT_MATCH]
    elif facts.client.hbone and (draft.type != "ORIGINAL_DST" or settings is None):
        matches = _beside_tunnels(socket, is_istio=is_istio)
    if matches and facts.client.hbone:
        inner = socket if socket is not None and not is_istio else RAW_BUFFER
        matches.insert(0, facts.shared(tunnel_match, Document(inner)))
    if matches:
        draft.cluster["transport_socket_matches"] = matches
    elif socket is not None:
        draft.cluster["transport_socket"] = socket


def _beside_tunnels(socket: Json | None, *, is_istio: bool) -> list[Json]:
    """Return how endpoints are reached that accept no tunnel: in plaintext, or by the TLS that the rule asks for."""
    if socket is None:
        return [PLAINTEXT_MATCH]
    return [{"name": "tlsMode-istio" if is_istio else "user", "transport_socket": socket}]


def tunnel_match(snapshot: Snapshot, inner: Document) -> Json:
    """Return the match that sends to endpoints which accept tunnels through one, with `inner` as the socket inside."""
    return {"name": "hbone", "match": {"tunnel": "http"}, "transport_socket": tunnel_socket(snapshot, inner.value)}


def apply_proxy_protocol(draft: ClusterDraft, proxy_protocol: Json | None) -> None:
    """Wrap every transport socket so that connections start with the PROXY protocol."""
    if proxy_protocol is None:
        return
    cluster = draft.cluster
    if matches := cluster.get("transport_socket_matches"):
        cluster["transport_socket_matches"] = [
            {**match, "transport_socket": proxy_protocol_socket(proxy_protocol, match["transport_socket"])}
            for match in matches
        ]
    else:
        cluster["transport_socket"] = proxy_protocol_socket(proxy_protocol, cluster.get("transport_socket") or PLAIN)


def _effective(snapshot: Snapshot, tls: Json | None, facts: TlsFacts) -> tuple[Json | None, bool]:
    """Return the settings to use, and whether they were inferred (auto mTLS)."""
    own_certificates = bool(facts.client.certificates[0])
    if tls is not None:
        mode = tls.get("mode") or "DISABLE"
        if mode in ("DISABLE", "SIMPLE"):
            return tls, False
        if own_certificates:
            prefers_rule = snapshot.flag("PREFER_DESTINATIONRULE_TLS_FOR_EXTERNAL_SERVICES", default=True)
            if prefers_rule and facts.service.mesh_external:
                return tls, False
            return _own_certificates(facts, tls.get("subjectAltNames"), tls.get("sni"), tls), False
        if mode != "ISTIO_MUTUAL":
            return tls, False
        names = tls.get("subjectAltNames") or facts.accounts
        return {"mode": mode, "sni": tls.get("sni") or facts.sni, "subjectAltNames": list(names), **_skips(tls)}, False
    automatic = snapshot.mesh.get("enableAutoMtls") is not False
    if facts.service.mesh_external or not automatic or facts.mode in (MtlsMode.UNKNOWN, MtlsMode.DISABLE):
        return None, False
    if own_certificates:
        return _own_certificates(facts, facts.accounts, facts.sni, {}), True
    return {"mode": "ISTIO_MUTUAL", "sni": facts.sni, "subjectAltNames": list(facts.accounts)}, True


def _own_certificates(facts: TlsFacts, names: Sequence[str] | None, sni: str | None, tls: Json) -> Json:
    chain, key, root = facts.client.certificates
    return {
        "mode": "MUTUAL",
        "clientCertificate": chain,
        "privateKey": key,
        "caCertificates": root,
        "subjectAltNames": list(names or ()),
        "sni": sni or "",
        **_skips(tls),
    }


def _skips(tls: Json) -> Json:
    return {"insecureSkipVerify": True} if tls.get("insecureSkipVerify") else {}


def _socket(snapshot: Snapshot, draft: ClusterDraft, settings: Json | None, facts: TlsFacts) -> Json | None:
    mode = (settings or {}).get("mode") or "DISABLE"
    if settings is None or mode == "DISABLE":
        return None
    credential = settings.get("credentialName") or ""
    if (
        credential
        and not credential.startswith("configmap://")
        and facts.client.sidecar
        and not facts.rule_has_selector
    ):
        return None  # sidecars may lack access to the secret and would never become ready
    if mode == "ISTIO_MUTUAL":
        context = istio_context(facts.shared, draft, settings)
    else:
        external = facts.service.registry is Registry.EXTERNAL
        accounts = facts.accounts if external else ()
        found = user_context(snapshot, draft, settings=settings, client=facts.client, accounts=accounts)
        if found is None:
            return None
        context = found
    return typed(
        "envoy.transport_sockets.tls", "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", **context
    )


def proxy_protocol_socket(proxy_protocol: Json, socket: Json) -> Json:
    """Return a socket that sends the PROXY protocol's header before all else."""
    return {
        "name": "envoy.transport_sockets.upstream_proxy_protocol",
        "typed_config": {
            "@type": "type.googleapis.com/"
            "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
            "config": {"version": "V2"} if proxy_protocol.get("version") == "V2" else {},
            "transport_socket": socket,
        },
    }
