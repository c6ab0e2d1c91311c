"""Which pod and port serve a dashboard, and at which path?

istioctl: pkg/dashboard/dashboard.go.
"""

from dataclasses import dataclass

from kubectl_mesh.diagnosis.lookup import is_running, labels, meta, name_of, namespace_of
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.sources.base import MeshSource
from simulator.model.labels import selects
from simulator.model.proxies import ProxyId

ISTIOD_PORT = 15014


@dataclass(frozen=True, slots=True, kw_only=True)
class Addon:
    """A program that Istio's samples install beside it."""

    selector: str
    port: int
    path: str = ""


ADDONS = {
    "prometheus": Addon(selector="app.kubernetes.io/name=prometheus", port=9090),
    "grafana": Addon(selector="app.kubernetes.io/name=grafana", port=3000),
    "kiali": Addon(selector="app=kiali", port=20001, path="/kiali"),
    "jaeger": Addon(selector="app=jaeger", port=16686),
    "zipkin": Addon(selector="app=zipkin", port=9411),
    "skywalking": Addon(selector="app=skywalking-ui", port=8080),
}


def pods_selected(source: MeshSource, selector: str, *, namespaces: tuple[str, ...] = ()) -> list[ProxyId]:
    """Return the running pods with some labels, those of the first of `namespaces` that has any; else of all."""
    wanted = dict(part.partition("=")[::2] for part in selector.split(",") if part)
    for namespace in namespaces or (None,):
        pods = [pod for pod in source.resources("Pod", namespace) if selects(wanted, labels(pod)) and is_running(pod)]
        if pods:
            return sorted((ProxyId(name_of(pod), namespace_of(pod)) for pod in pods), key=str)
    hint = f"kubectl get pods -A -l {selector}"
    raise NothingFound(f"no pods found with selector {selector}", hint=hint)


def monitoring_port(source: MeshSource, istiod: ProxyId) -> int:
    """Return the port on which istiod answers `/debug`."""
    for pod in source.resources("Pod", istiod.namespace):
        text = str((meta(pod).get("annotations") or {}).get("prometheus.io/port", ""))
        if name_of(pod) == istiod.name and text.isdecimal():
            return int(text)
    return ISTIOD_PORT
