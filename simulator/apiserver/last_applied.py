"""The annotation of `kubectl apply` on served manifests: a copy by which it later finds the fields that were removed.

Kubernetes: staging/src/k8s.io/kubectl/pkg/util/apply.go. Without the copy, `kubectl apply` of a changed manifest would
leave in place what the manifest no longer has.
"""

import json
from dataclasses import replace

from simulator.model.resources import Resource
from simulator.model.wire import Json

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_GROUP = ".istio.io"
_OF_THE_SERVER = frozenset({"resourceVersion", "uid"})


def as_applied(resource: Resource) -> Resource:
    """Return one of Istio's resources with the copy; resources read from a cluster, or of other groups, unchanged.

    Resources of other groups have server-side defaults by now, which must not appear in a copy.
    """
    metadata = resource.metadata
    annotations: Json = metadata.get("annotations") or {}
    if not resource.group.endswith(_GROUP) or ANNOTATION in annotations or _OF_THE_SERVER & metadata.keys():
        return resource
    given = {field: value for field, value in resource.document.items() if field != "status"}
    namespaced = {"namespace": resource.namespace} if resource.namespace else {}
    given |= {"metadata": metadata | {"annotations": annotations} | namespaced}
    copy = json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    changed = metadata | {"annotations": annotations | {ANNOTATION: copy}}
    return replace(resource, document=resource.document | {"metadata": changed})
