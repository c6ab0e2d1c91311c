"""The statistics of a proxy, or of its clusters.

istioctl: pkg/proxyconfig/proxyconfig.go (StatsConfigCmd).
"""

from kubectl_mesh.diagnosis.lookup import meta, name_of, namespace_of
from kubectl_mesh.errors import NotAvailable, NothingFound, SourceError, UsageError
from kubectl_mesh.sources.base import MeshSource, PodPorts
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

FORMS = ("short", "json", "yaml", "prom", "prom-merged")
_SERVER = {"short": "stats", "json": "stats?format=json", "yaml": "stats?format=json", "prom": "stats/prometheus"}
_CLUSTERS = {"short": "clusters", "json": "clusters?format=json", "yaml": "clusters?format=json"}
_PATHS = {"server": _SERVER, "cluster": _CLUSTERS, "clusters": _CLUSTERS}
_MERGED_PORT, _MERGED_PATH = 15020, "/stats/prometheus"


def page(source: MeshSource, proxy: ProxyId, *, kind: str, form: str) -> bytes:
    """Return the proxy's statistics; `kind` is server or clusters, `form` one of FORMS."""
    paths = _PATHS.get(kind)
    if paths is None:
        raise UsageError(f"unknown stats type {kind}", hint="--type server, or --type clusters")
    if kind == "server" and form == "prom-merged":
        return _merged(source, proxy)
    if form not in paths:
        raise UsageError(f'output format "{form}" not supported', hint=f"use one of {', '.join(paths)}")
    return source.envoy(proxy, paths[form])


def _merged(source: MeshSource, proxy: ProxyId) -> bytes:
    """Return the metrics of proxy and application together, from the address that Prometheus scrapes."""
    if not isinstance(source, PodPorts):
        raise NotAvailable("merged metrics exist only in running pods", hint="-o prom")
    annotations = meta(_pod(source, proxy)).get("annotations") or {}
    port = str(annotations.get("prometheus.io/port", ""))
    path = str(annotations.get("prometheus.io/path") or _MERGED_PATH)
    status, body = source.pod_request(proxy, int(port) if port.isdecimal() else _MERGED_PORT, path)
    if status != 200:
        raise SourceError(f"{proxy}: {path}: HTTP {status}")
    return body


def _pod(source: MeshSource, proxy: ProxyId) -> Json:
    for pod in source.resources("Pod", proxy.namespace):
        if (namespace_of(pod), name_of(pod)) == (proxy.namespace, proxy.name):
            return pod
    raise NothingFound(f"pod {proxy} not found", hint=f"kubectl get pods -n {proxy.namespace}")
