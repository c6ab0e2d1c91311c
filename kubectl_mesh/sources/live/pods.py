"""What a Pod resource says about the proxy or the istiod that runs in it."""

from collections import Counter
from collections.abc import Iterable, Mapping

from simulator.model.wire import Json

PROXY = "istio-proxy"
MONITORING_PORT = 15014


def _proxy_container(pod: Json) -> Json | None:
    spec = pod.get("spec") or {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if container.get("name") == PROXY:
            found: Json = container
            return found
    return None


def has_proxy(pod: Json) -> bool:
    """Tell whether a pod runs an Envoy of the mesh; ztunnel's container has the same name but runs no Envoy."""
    labels = pod["metadata"].get("labels") or {}
    return _proxy_container(pod) is not None and labels.get("app") != "ztunnel"


def is_running(pod: Json) -> bool:
    """Tell whether a pod can be asked."""
    return (pod.get("status") or {}).get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")


def monitoring_port(pod: Json) -> int:
    """Return the port on which istiod answers `/debug` and `/version`."""
    text = (pod["metadata"].get("annotations") or {}).get("prometheus.io/port", "")
    return int(text) if text.isdecimal() and 0 < int(text) < 65536 else MONITORING_PORT


def proxy_versions(pods: Iterable[Json]) -> Mapping[str, int]:
    """Count proxies by the version in their image's tag; tags that are no versions are left out."""
    found: Counter[str] = Counter()
    for pod in pods:
        image = str((_proxy_container(pod) or {}).get("image", "")).partition("@")[0]
        version = image.rpartition(":")[2].partition("-")[0]
        if version.count(".") == 2 and version.replace(".", "").isdigit():
            found[version] += 1
    return found
