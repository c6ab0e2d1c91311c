"""`log`: the lines that a proxy or istiod prints when it starts, dated at the start of its pod."""

from collections.abc import Mapping

from simulator.apiserver.exec import container_of
from simulator.apiserver.lists import whole_number
from simulator.apiserver.statuses import bad_request
from simulator.model.wire import Json

_PROXY = (
    "info\tVersion 1.30.3-simulated-Clean",
    "info\tInitializing with upstream address istiod.istio-system.svc:15012 and cluster Kubernetes",
    "info\txdsproxy\tconnected to upstream XDS server: istiod.istio-system.svc:15012",
    "info\tads\tXDS: Incremental Pushing ConnectedEndpoints:1",
    "info\tReadiness succeeded",
    "info\tEnvoy proxy is ready",
)
_ISTIOD = (
    "info\tinitializing Istiod, version 1.30.3-simulated-Clean",
    "info\tads\tAll caches have been synced up, marking server ready",
    "info\tstarting secure gRPC discovery service at [::]:15012",
)
_OTHER = ("info\tthe output of this container is not simulated",)


def log_text(pod: Json, query: Mapping[str, str]) -> str:
    """Return the log of a container. Raises StatusError for a container that does not exist."""
    spec = pod.get("spec") or {}
    several = len(spec.get("containers") or ()) > 1
    wanted = query.get("container", "")
    annotations = pod["metadata"].get("annotations") or {}
    if not wanted and several and "kubectl.kubernetes.io/default-container" not in annotations:
        names = " ".join(container["name"] for container in spec["containers"])
        name = pod["metadata"]["name"]
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{names}]")
    container = container_of(pod, wanted)
    if query.get("previous") in ("true", "1"):
        raise bad_request(
            f'previous terminated container "{container["name"]}" in pod "{pod["metadata"]["name"]}" not found'
        )
    words = _PROXY if container["name"] == "istio-proxy" else _ISTIOD if container["name"] == "discovery" else _OTHER
    time = str((pod.get("status") or {}).get("startTime") or pod["metadata"].get("creationTimestamp") or "")
    time = time.removesuffix("Z") + ".000000Z"
    prefix = f"{time} " if query.get("timestamps") in ("true", "1") else ""
    lines = [f"{prefix}{time}\t{word}\n" for word in words]
    if query.get("tailLines"):
        count = whole_number(query, "tailLines")
        lines = lines[-count:] if count else []
    text = "".join(lines)
    limit = whole_number(query, "limitBytes")
    return text[:limit] if limit else text
