"""The pods that analyzers read: existing ones, and those that a workload's template would make.

Files hold Deployments rather than Pods. A template stands in for its pods as long as no real pod of its workload is
known, so that a check which needs pods works on files and on a live cluster alike.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kubectl_mesh.analysis.default_resources import is_given
from kubectl_mesh.analysis.world import World
from simulator.model.labels import selects
from simulator.model.resources import Resource
from simulator.model.wire import Json

WORKLOAD_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
POD_KINDS = ("Pod", *WORKLOAD_KINDS)
PROXY = "istio-proxy"
_INJECT = "sidecar.istio.io/inject"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PodView:
    """A pod, or the pod that a template would make; `resource` is the pod or the workload."""

    resource: Resource
    namespace: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Json

    @property
    def planned(self) -> bool:
        """No pod exists yet: this is a template."""
        return self.resource.kind != "Pod"

    @property
    def ambient(self) -> bool:
        """Traffic is redirected to ztunnel."""
        return self.annotations.get("ambient.istio.io/redirection") == "enabled"

    @property
    def containers(self) -> list[Json]:
        """Containers, then init containers."""
        return [*(self.spec.get("containers") or ()), *(self.spec.get("initContainers") or ())]


@dataclass(slots=True)
class Pods:
    """Pods indexed by label, so that a selector is matched against few of them."""

    all: tuple[PodView, ...]
    by_namespace: dict[str, list[PodView]] = field(default_factory=dict)
    _by_label: dict[tuple[str | None, str, str], list[PodView]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for pod in self.all:
            self.by_namespace.setdefault(pod.namespace, []).append(pod)
            for key, value in pod.labels.items():
                self._by_label.setdefault((pod.namespace, key, str(value)), []).append(pod)
                self._by_label.setdefault((None, key, str(value)), []).append(pod)

    def selected(self, selector: Mapping[str, str], *, namespace: str | None = None) -> Iterator[PodView]:
        """Yield the pods that have all labels of `selector`; an empty selector selects all; no namespace means any."""
        if not selector:
            yield from self.all if namespace is None else self.by_namespace.get(namespace, ())
            return
        buckets = (self._by_label.get((namespace, key, str(value)), []) for key, value in selector.items())
        for pod in min(buckets, key=len):
            if selects(selector, pod.labels):
                yield pod


def pods(world: World) -> Pods:
    """Return the pods of a world, planned ones included."""
    real = Pods(tuple(map(_pod, world.of_kind("Pod"))))
    planned = [view for kind in WORKLOAD_KINDS for each in world.of_kind(kind) if (view := _planned(each, real))]
    return Pods((*real.all, *planned)) if planned else real


def _pod(resource: Resource) -> PodView:
    return PodView(
        resource=resource,
        namespace=resource.namespace,
        name=resource.name,
        labels=resource.labels,
        annotations=resource.annotations,
        spec=resource.spec,
    )


def _planned(workload: Resource, real: Pods) -> PodView | None:
    spec = workload.spec
    if spec.get("replicas") == 0 or workload.metadata.get("ownerReferences"):
        return None
    if workload.kind == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template = spec.get("template") or {}
    metadata = template.get("metadata") or {}
    labels = metadata.get("labels") or {}
    selector = (spec.get("selector") or {}).get("matchLabels") or labels
    if selector and next(real.selected(selector, namespace=workload.namespace), None):
        return None
    return PodView(
        resource=workload,
        namespace=workload.namespace,
        name=workload.name,
        labels=labels,
        annotations=metadata.get("annotations") or {},
        spec=template.get("spec") or {},
    )


def has_proxy(containers: list[Json]) -> bool:
    """Tell whether one of the containers is the proxy."""
    return next((bool(each.get("image")) for each in containers if each.get("name") == PROXY), False)


def in_mesh(world: World, pod: PodView) -> bool:
    """Tell whether a pod has, or would be given, a sidecar.

    istiod: pkg/config/analysis/analyzers/util/in_mesh.go.
    """
    if has_proxy(pod.containers):
        return True
    for said in (pod.labels, pod.annotations):
        if _INJECT in said:
            return said[_INJECT] == "true"
    namespace = world.find("Namespace", "", pod.namespace)
    if namespace is None or not is_given(namespace):
        return pod.planned  # files leave namespaces out: workloads that have policies are assumed to be in the mesh
    if pod.planned and "istio-injection" not in namespace.labels and "istio.io/rev" in namespace.labels:
        return True
    return namespace.labels.get("istio-injection") == "enabled"


def has_enforcement(world: World, pod: PodView) -> bool:
    """Tell whether a pod's traffic passes through a proxy or ztunnel, so that policies have an effect on it."""
    if in_mesh(world, pod) or pod.ambient:
        return True
    return pod.planned and is_ambient_namespace(world.find("Namespace", "", pod.namespace))


def is_control_plane(resource: Resource) -> bool:
    """Tell whether a resource is one of Istio's own, by its labels."""
    return "istio" in resource.labels or resource.labels.get("release") == "istio"


def is_ambient_namespace(namespace: Resource | None) -> bool:
    """Tell whether the pods of a namespace are captured by ztunnel and get no sidecar."""
    if namespace is None or namespace.labels.get("istio-injection") == "enabled":
        return False
    return not namespace.labels.get("istio.io/rev") and namespace.labels.get("istio.io/dataplane-mode") == "ambient"
