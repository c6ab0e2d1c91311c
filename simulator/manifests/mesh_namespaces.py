"""Namespaces that the manifests leave out, and with them the labels that put their pods into the mesh.

Many people keep Namespaces elsewhere, where their labels say `istio-injection: enabled`. Manifests alone
then make a mesh without sidecars, which is seldom what the user means: a caveat says so, and `--inject` changes it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from simulator.manifests.control_plane import NAMESPACE
from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import Resource

EVERY = "*"
_SYSTEM = frozenset({NAMESPACE, "kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
_SAYING = ("istio-injection", "istio.io/rev", "istio.io/dataplane-mode")
"""Labels by which a namespace says whether and how it is in the mesh."""


def with_injection(resources: Sequence[Resource], inject: Sequence[str]) -> list[Resource]:
    """Return the resources, the named Namespaces labelled for injection; `*` means all without such a label."""
    return [_labelled(each) if _is_meant(each, inject) else each for each in resources]


def _is_meant(resource: Resource, inject: Sequence[str]) -> bool:
    if resource.kind != "Namespace":
        return False
    said = any(label in resource.labels for label in _SAYING)
    return resource.name in inject or (EVERY in inject and not said and resource.name not in _SYSTEM)


def _labelled(namespace: Resource) -> Resource:
    labels = {key: value for key, value in namespace.labels.items() if key not in _SAYING}
    metadata = namespace.metadata | {"labels": labels | {"istio-injection": "enabled"}}
    return replace(namespace, document=namespace.document | {"metadata": metadata})


def silent_namespaces(unstated: Sequence[Resource], pods: Sequence[Resource]) -> Iterator[Caveat]:
    """Yield a caveat for each namespace that no manifest defines and whose pods therefore have no sidecar."""
    for namespace in unstated:
        if namespace.name in _SYSTEM or any(label in namespace.labels for label in _SAYING):
            continue
        outside = [pod for pod in pods if pod.namespace == namespace.name and not _has_proxy(pod)]
        if outside:
            text = (
                f"no manifest says whether it is in the mesh, so {len(outside)} of its pods have no sidecar; "
                f"--inject {namespace.name} treats it as labelled istio-injection: enabled"
            )
            yield Caveat(kind=CaveatKind.INCOMPLETE, ref=namespace.ref, message=text)


def _has_proxy(pod: Resource) -> bool:
    containers = (pod.spec.get("containers") or ()), (pod.spec.get("initContainers") or ())
    return any(each.get("name") == "istio-proxy" for group in containers for each in group)
