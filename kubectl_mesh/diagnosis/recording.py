"""The contents of a recorded mesh: everything that the commands read, secrets redacted."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from kubectl_mesh.bundle import envoy_path, istiod_path, redact, resources_path, ztunnel_path
from kubectl_mesh.diagnosis.proxy_status import SYNCZ
from kubectl_mesh.diagnosis.remote_clusters import CLUSTERZ
from kubectl_mesh.diagnosis.secrets import redact_secrets
from kubectl_mesh.diagnosis.ztunnel_pods import ztunnels
from kubectl_mesh.errors import MeshError, SourceError
from kubectl_mesh.sources.base import MeshSource, Prefetching
from simulator.model.proxies import ProxyId

KINDS = (
    *("Namespace", "Node", "Pod", "Service", "EndpointSlice", "ServiceAccount", "ConfigMap", "Secret"),
    *("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Ingress"),
    *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "CustomResourceDefinition"),
    *("VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "WorkloadEntry", "WorkloadGroup", "Sidecar"),
    *("EnvoyFilter", "ProxyConfig", "WasmPlugin", "TrafficExtension", "Telemetry"),
    *("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"),
    *("GatewayClass", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute", "ReferenceGrant"),
    *("KubernetesGateway", "BackendTLSPolicy", "ListenerSet"),
)
_ENVOY = ("config_dump?include_eds=true", "clusters?format=json", "server_info")
_ISTIOD = (SYNCZ, CLUSTERZ, "version")
_AT_ONCE = 32
"""Most proxies whose answers are held in memory before they are written."""
Progress = Callable[[str], None]


def record(source: MeshSource, *, missed: Progress, proxies: Sequence[ProxyId] | None = None) -> dict[str, bytes]:
    """Return the files of a bundle; requests without an answer are reported to `missed` and left out.

    `proxies` limits the proxies that are read.
    """
    return dict(_files(source, source.proxies() if proxies is None else proxies, missed))


def _files(source: MeshSource, proxies: Sequence[ProxyId], missed: Progress) -> Iterator[tuple[str, bytes]]:
    if isinstance(source, Prefetching):
        source.prefetch(KINDS)
    for kind in KINDS:
        try:
            found = [redact(each) for each in source.resources(kind)]
        except SourceError as error:
            missed(f"{kind}: {error}")
            yield resources_path(kind), _encoded({"apiVersion": "v1", "kind": "List", "refused": str(error)})
            continue
        if found:
            yield resources_path(kind), _encoded({"apiVersion": "v1", "kind": "List", "items": found})
    for proxy in _ready(source, proxies):
        for path in _ENVOY:
            data = _answer(partial(source.envoy, proxy, path), f"{proxy} {path}", missed)
            if data is not None:
                yield envoy_path(proxy, path), redact_secrets(data) if path.startswith("config_dump") else data
    for ztunnel in ztunnels(source):
        data = _answer(partial(source.envoy, ztunnel, "config_dump"), f"{ztunnel} config_dump", missed)
        if data is not None:
            yield ztunnel_path(ztunnel, "config_dump"), data
    for path in (*_ISTIOD, *map(_sent, proxies)):
        answers = _answer(partial(source.istiod, path), f"istiod {path}", missed)
        for pod, data in (answers or {}).items():
            yield istiod_path(pod, path), redact_secrets(data) if "config_dump" in path else data


def _ready(source: MeshSource, proxies: Sequence[ProxyId]) -> Iterator[ProxyId]:
    """Yield the proxies; a source that can read several at once does so in advance."""
    for start in range(0, len(proxies), _AT_ONCE):
        some = proxies[start : start + _AT_ONCE]
        if isinstance(source, Prefetching):
            source.prefetch_envoy(some, _ENVOY)
        yield from some


def _sent(proxy: ProxyId) -> str:
    return f"debug/config_dump?proxyID={quote(str(proxy))}&include_eds=true"


def _answer(ask: Callable[[], Any], subject: str, missed: Progress) -> Any:
    try:
        return ask()
    except MeshError as error:
        missed(f"{subject}: {error}")
        return None


def _encoded(document: Any) -> bytes:
    return json.dumps(document, default=str, sort_keys=True).encode()
