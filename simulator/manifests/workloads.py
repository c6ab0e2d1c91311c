"""Workloads → the pods that their controllers would make, before injection and scheduling.

Kubernetes: pkg/controller/{deployment,replicaset,statefulset,daemon,job,cronjob}. Names come from the identity of the
owner and not from its template, so that a new image does not rename pods. A workload whose pods are among the
manifests makes none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.manifests.identity import number, suffix, uid
from simulator.model.labels import label_selector_selects
from simulator.model.resources import ObjectRef, Resource
from simulator.model.wire import Json

MOST_PODS = 1000
"""Most pods that one workload gets: a mistyped number must not exhaust memory."""

_CONTROL_PLANE = "istio-system"
HASH_LABEL = "pod-template-hash"
KINDS = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPod:
    """A pod to be made: its document without address and status, and the resource that its template is in."""

    document: Json
    source: Resource


@dataclass(slots=True)
class Expansion:
    """The expansion of workloads: pods to be run, their ReplicaSets and Jobs, and what was left out."""

    pods: list[NewPod] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    warnings: list[tuple[ObjectRef, str]] = field(default_factory=list)


def expand(resources: Sequence[Resource], *, node_names: Mapping[str, Sequence[str]]) -> Expansion:
    """Expand every workload; `node_names` has the nodes of each DaemonSet (by `namespace/name`)."""
    return _Expander(resources, node_names).expanded()


class _Expander:
    def __init__(self, resources: Sequence[Resource], node_names: Mapping[str, Sequence[str]]) -> None:
        self.workloads = sorted(
            (resource for resource in resources if resource.kind in KINDS),
            key=lambda resource: (resource.kind, resource.namespace, resource.name),
        )
        self.pods: dict[str, list[Resource]] = {}
        for resource in resources:
            if resource.kind == "Pod" and resource.status.get("phase"):
                self.pods.setdefault(resource.namespace, []).append(resource)
        self.owned = {owner for resource in resources for owner in owners(resource)}
        self.scaled = {target: bounds for target, bounds in map(_autoscaled, resources) if target}
        self.node_names = node_names
        self.result = Expansion()

    def expanded(self) -> Expansion:
        """Return pods for every workload that has none."""
        for workload in self.workloads:
            if not self._has_own(workload):
                getattr(self, f"_{workload.kind.lower()}")(workload)
        return self.result

    def _has_own(self, workload: Resource) -> bool:
        if (workload.namespace, workload.kind, workload.name) in self.owned:
            return True
        if workload.kind == "Deployment" and any(
            _is_of_deployment(pod, workload) for pod in self.pods.get(workload.namespace, ())
        ):
            return True
        if workload.namespace == _CONTROL_PLANE and self.pods:
            return True  # istiod's Deployment is read for its settings and need not run
        return bool(self.pods and workload.status.get("observedGeneration"))

    def _replicas(self, workload: Resource) -> int:
        replicas: int = workload.spec.get("replicas", 1)
        least, most = self.scaled.get((workload.namespace, workload.kind, workload.name), (0, replicas))
        replicas = min(max(replicas, least), max(most, least)) if replicas else 0
        if replicas > MOST_PODS:
            self.result.warnings.append((workload.ref, f"{replicas} replicas asked for, {MOST_PODS} simulated"))
        return min(replicas, MOST_PODS)

    def _deployment(self, deployment: Resource) -> None:
        replicas = self._replicas(deployment)
        template_hash = suffix(10, "Deployment", deployment.namespace, deployment.name)
        name = f"{deployment.name}-{template_hash}"
        template = _template(deployment.spec)
        labels = {**_labels(template), HASH_LABEL: template_hash}
        spec = {**deployment.spec, "replicas": replicas, "template": _labelled(template, labels)}
        spec["selector"] = {**(spec.get("selector") or {})}
        spec["selector"]["matchLabels"] = {**(spec["selector"].get("matchLabels") or {}), HASH_LABEL: template_hash}
        for unknown in ("strategy", "paused", "progressDeadlineSeconds", "revisionHistoryLimit"):
            spec.pop(unknown, None)
        replica_set = _child("ReplicaSet", "apps/v1", name, owner=deployment, labels=labels, spec=spec)
        replica_set.document["status"] = {"replicas": replicas, "readyReplicas": replicas}
        self.result.resources.append(replica_set)
        self._numbered(replica_set, replicas, source=deployment)

    def _replicaset(self, replica_set: Resource) -> None:
        self._numbered(replica_set, self._replicas(replica_set), source=replica_set)

    _replicationcontroller = _replicaset

    def _numbered(self, owner: Resource, replicas: int, *, source: Resource) -> None:
        for index in range(replicas):
            name = f"{owner.name}-{suffix(5, owner.kind, owner.namespace, owner.name, index)}"
            self.result.pods.append(_pod(name, owner=owner, source=source))

    def _statefulset(self, workload: Resource) -> None:
        start = (workload.spec.get("ordinals") or {}).get("start", 0)
        for index in range(start, start + self._replicas(workload)):
            name = f"{workload.name}-{index}"
            labels = {"apps.kubernetes.io/pod-index": str(index), "statefulset.kubernetes.io/pod-name": name}
            spec = {"hostname": name, "subdomain": workload.spec.get("serviceName") or ""}
            self.result.pods.append(_pod(name, owner=workload, source=workload, labels=labels, spec=spec))

    def _daemonset(self, workload: Resource) -> None:
        for node in self.node_names.get(f"{workload.namespace}/{workload.name}", ()):
            name = f"{workload.name}-{suffix(5, 'DaemonSet', workload.namespace, workload.name, node)}"
            self.result.pods.append(_pod(name, owner=workload, source=workload, spec={"nodeName": node}))

    def _job(self, job: Resource, *, source: Resource | None = None) -> None:
        if job.spec.get("suspend") or job.status.get("completionTime"):
            return
        completions, parallelism = job.spec.get("completions"), job.spec.get("parallelism", 1)
        count = min(parallelism, MOST_PODS, completions if completions is not None else MOST_PODS)
        labels = {"batch.kubernetes.io/job-name": job.name, "job-name": job.name}
        for index in range(count):
            name = f"{job.name}-{suffix(5, 'Job', job.namespace, job.name, index)}"
            self.result.pods.append(_pod(name, owner=job, source=source or job, labels=labels))

    def _cronjob(self, cron_job: Resource) -> None:
        if cron_job.spec.get("suspend"):
            return
        scheduled = 28_000_000 + number("CronJob", cron_job.namespace, cron_job.name) % 1_000_000
        template = cron_job.spec.get("jobTemplate") or {}
        labels = _labels(template)
        spec = template.get("spec") or {}
        job = _child("Job", "batch/v1", f"{cron_job.name}-{scheduled}", owner=cron_job, labels=labels, spec=spec)
        self.result.resources.append(job)
        self._job(job, source=cron_job)


def owners(resource: Resource) -> Iterator[tuple[str, str, str]]:
    """Yield (namespace, kind, name) of each owner of a resource."""
    for owner in resource.metadata.get("ownerReferences") or ():
        yield resource.namespace, owner.get("kind", ""), owner.get("name", "")


def _is_of_deployment(pod: Resource, deployment: Resource) -> bool:
    selector = deployment.spec.get("selector") or {}
    if not selector or not label_selector_selects(selector, pod.labels):
        return False
    if HASH_LABEL in pod.labels:
        return True
    prefix = f"{deployment.name}-"
    return any(kind == "ReplicaSet" and name.startswith(prefix) for _, kind, name in owners(pod))


def _autoscaled(resource: Resource) -> tuple[tuple[str, str, str] | None, tuple[int, int]]:
    spec = resource.spec
    target = spec.get("scaleTargetRef") if resource.kind == "HorizontalPodAutoscaler" else None
    if not isinstance(target, dict):
        return None, (0, 0)
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", MOST_PODS)
    if not isinstance(least, int) or not isinstance(most, int):
        return None, (0, 0)
    return (resource.namespace, str(target.get("kind")), str(target.get("name"))), (least, most)


def _template(spec: Json) -> Json:
    return spec.get("template") or {}


def _labels(template: Json) -> Json:
    return (template.get("metadata") or {}).get("labels") or {}


def _labelled(template: Json, labels: Json) -> Json:
    return {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}}


def _owned(owner: Resource) -> Json:
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.metadata.get("uid") or uid(owner.kind, owner.namespace, owner.name),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _child(kind: str, api_version: str, name: str, *, owner: Resource, labels: Json, spec: Json) -> Resource:
    metadata: Json = {"name": name, "namespace": owner.namespace, "labels": dict(labels)}
    metadata |= {"ownerReferences": [_owned(owner)], "uid": uid(kind, owner.namespace, name)}
    document = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
    return Resource(
        kind=kind,
        api_version=api_version,
        namespace=owner.namespace,
        name=name,
        document=document,
        origin=owner.origin,
    )


def _pod(name: str, *, owner: Resource, source: Resource, labels: Any = None, spec: Any = None) -> NewPod:
    template = _template(owner.spec)
    metadata = {
        key: value
        for key, value in (template.get("metadata") or {}).items()
        if key not in ("name", "creationTimestamp")
    }
    metadata |= {
        "name": name,
        "namespace": owner.namespace,
        "generateName": f"{owner.name}-",
        "labels": {**_labels(template), **(labels or {})},
        "ownerReferences": [_owned(owner)],
        "uid": uid("Pod", owner.namespace, name),
    }
    pod_spec = {**(template.get("spec") or {}), **(spec or {})}
    if not pod_spec.get("subdomain"):
        pod_spec.pop("subdomain", None)
    return NewPod(document={"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec}, source=source)
