"""Which pods run istiod, of which revision?

istioctl: pkg/cli/context.go, pkg/admin/istiodconfig.go.
"""

from kubectl_mesh.diagnosis.lookup import labels, meta, name_of, namespace_of
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.sources.base import MeshSource
from simulator.model.labels import selects
from simulator.model.proxies import ProxyId

DEFAULT_SELECTOR = "app=istiod"


def find(source: MeshSource, *, namespace: str, selector: str = DEFAULT_SELECTOR, revision: str = "") -> list[ProxyId]:
    """Return the running pods of istiod by name. Raises NothingFound when there is none."""
    wanted = dict(part.partition("=")[::2] for part in selector.split(",") if part)
    if revision:
        wanted["istio.io/rev"] = revision
    pods = [pod for pod in source.resources("Pod", namespace) if selects(wanted, labels(pod))]
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]
    found = sorted(name_of(pod) for pod in running if not meta(pod).get("deletionTimestamp"))
    if not found:
        words = ",".join(f"{key}={value}" for key, value in wanted.items())
        raise NothingFound("no pods found", hint=f"kubectl get pods -n {namespace} -l {words}")
    return [ProxyId(name, namespace) for name in found]


def named(source: MeshSource, name: str, *, namespace: str) -> ProxyId:
    """Return the pod of a name, which may be written `istio-system/NAME` or `NAME.istio-system`."""
    for text in (name, name.removeprefix(f"{namespace}/"), name.removesuffix(f".{namespace}")):
        for pod in source.resources("Pod", namespace):
            if name_of(pod) == text and namespace_of(pod) == namespace:
                return ProxyId(text, namespace)
    raise NothingFound(f"{name}: no such pod in namespace {namespace}", hint=f"kubectl get pods -n {namespace}")
