"""The fields by which lists of each resource type may be selected.

Kubernetes: the `ToSelectableFields` of pkg/registry/*/*/strategy.go and pkg/apis/core/v1/conversion.go; of custom
resources only name and namespace.
"""

from collections.abc import Mapping

from simulator.apiserver.catalog import ResourceType
from simulator.apiserver.selectors import Test, both, field_names, field_test, label_test
from simulator.apiserver.statuses import bad_request

_EVENT = ("apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid")
_MORE: Mapping[str, frozenset[str]] = {
    "certificatesigningrequests.certificates.k8s.io": frozenset({"spec.signerName"}),
    "events": frozenset(
        {*(f"involvedObject.{each}" for each in _EVENT), "reason", "reportingComponent", "source", "type"}
    ),
    "jobs.batch": frozenset({"status.successful"}),
    "namespaces": frozenset({"status.phase"}),
    "nodes": frozenset({"spec.unschedulable"}),
    "pods": frozenset(
        {
            "spec.hostNetwork", "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
            "status.nominatedNodeName", "status.phase", "status.podIP", "status.podIPs",
        }
    ),
    "replicasets.apps": frozenset({"status.replicas"}),
    "replicationcontrollers": frozenset({"status.replicas"}),
    "secrets": frozenset({"type"}),
    "services": frozenset({"spec.clusterIP", "spec.type"}),
}  # fmt: skip


def selection(each: ResourceType, query: Mapping[str, str]) -> Test | None:
    """Compile the selectors of a query on a type; None selects everything. Raises StatusError for a bad one."""
    text = query.get("fieldSelector", "")
    common = {"metadata.name"} | ({"metadata.namespace"} if each.kind.namespaced else set())
    for name in field_names(text):
        if name not in common and name not in _MORE.get(each.id, ()):
            raise bad_request(f"field label not supported: {name}")
    return both(label_test(query.get("labelSelector", "")), field_test(text))
