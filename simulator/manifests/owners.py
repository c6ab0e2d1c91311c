"""Which workload a pod belongs to, guessed from its labels and owner as istiod does.

istiod: pkg/kube/util.go (GetDeployMetaFromPod).
"""

import re
from dataclasses import dataclass

from simulator.model.wire import Json

_OF_CRON_JOB = re.compile(r"(.+)-\d{8,10}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadMeta:
    """Name and type of a workload; namespace is the pod's."""

    name: str
    kind: str
    api_version: str

    def owner_url(self, namespace: str) -> str:
        """Spell the owner as the proxy's metadata does."""
        return f"kubernetes://apis/{self.api_version}/namespaces/{namespace}/{self.kind.lower()}s/{self.name}"


def workload_of(pod: Json) -> WorkloadMeta:
    """Return the workload of a pod; the pod itself when it has no owner."""
    metadata = pod.get("metadata") or {}
    name, labels = metadata.get("name") or "", metadata.get("labels") or {}
    controllers = [owner for owner in metadata.get("ownerReferences") or () if owner.get("controller")]
    if not metadata.get("generateName") or not controllers:
        return WorkloadMeta(name=name, kind="Pod", api_version="v1")
    owner = controllers[0]
    kind, owner_name, version = owner.get("kind", ""), owner.get("name", ""), owner.get("apiVersion", "")
    if kind == "ReplicaSet":
        for label, owner_kind, owner_version in (
            ("pod-template-hash", "Deployment", version),
            ("rollouts-pod-template-hash", "Rollout", "v1alpha1"),
        ):
            template_hash = labels.get(label)
            if template_hash and owner_name.endswith(template_hash):
                base = owner_name.removesuffix(f"-{template_hash}")
                return WorkloadMeta(name=base, kind=owner_kind, api_version=owner_version)
    if kind == "ReplicationController" and labels.get("deploymentconfig"):
        return WorkloadMeta(name=labels["deploymentconfig"], kind="DeploymentConfig", api_version=version)
    if kind == "Job" and (match := _OF_CRON_JOB.match(owner_name)):
        return WorkloadMeta(name=match.group(1), kind="CronJob", api_version="batch/v1")
    return WorkloadMeta(name=owner_name or name, kind=kind, api_version=version)
