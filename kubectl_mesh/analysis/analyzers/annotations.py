"""Istio's annotations on Kubernetes resources: known, in the right place, well formed, not outdated.

istiod: pkg/config/analysis/analyzers/{annotations,maturity}, pkg/kube/inject/validate.go. The table of annotations
holds the facts of istio.io/api 1.30.3.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.references import at
from kubectl_mesh.analysis.world import World
from simulator.manifests.annotation_values import complaint
from simulator.model.resources import Resource
from simulator.model.wire import Json

_KINDS = ("Namespace", "Service", "Pod", "Deployment")
_INJECT = "sidecar.istio.io/inject"
_SET_BY_ISTIO = frozenset({"sidecar.istio.io/status", "gateway.istio.io/controller-version", "istio.io/rev"})
_SET_WITHOUT_INIT = frozenset(
    {
        "sidecar.istio.io/interceptionMode",
        "traffic.sidecar.istio.io/includeInboundPorts",
        "traffic.sidecar.istio.io/excludeInboundPorts",
        "traffic.sidecar.istio.io/includeOutboundIPRanges",
    }
)
"""Set by the injector where the CNI plugin, not an init container, redirects traffic."""


@cache
def known_annotations() -> dict[str, Json]:
    """Return Istio's annotations: status, the resources they belong on, whether they are deprecated."""
    text = files("kubectl_mesh.analysis.analyzers").joinpath("annotations.json").read_text("utf-8")
    table: dict[str, Json] = json.loads(text)
    return table


def _own(resource: Resource) -> Iterator[str]:
    for name in resource.annotations:
        if name == "kubernetes.io/ingress.class" or name.split("/", 1)[0].endswith("istio.io"):
            yield name


def _finding(code: str, resource: Resource, name: str, *arguments: str) -> Finding:
    path = at(resource, "metadata", "annotations", name)
    return Finding(code=code, resource=resource, arguments=(name, *arguments), path=path)


def _placement(world: World) -> Iterator[Finding]:
    for kind in _KINDS:
        for resource in world.of_kind(kind):
            for name in _own(resource):
                if name not in _SET_BY_ISTIO:
                    yield from _judge(resource, name)


def _judge(resource: Resource, name: str) -> Iterator[Finding]:
    definition = known_annotations().get(name)
    if definition is None:
        yield _finding("IST0108", resource, name)
        return
    if definition.get("deprecated") and not (name == _INJECT and _INJECT in resource.labels):
        instead = ' in favor of the "sidecar.istio.io/inject" label' if name == _INJECT else ""
        yield _finding("IST0135", resource, name, instead)
    if "Any" in definition["resources"]:
        return
    if resource.kind not in definition["resources"]:
        yield _finding("IST0107", resource, name, ", ".join(definition["resources"]))
    elif wrong := complaint(name, str(resource.annotations[name])):
        yield _finding("IST0125", resource, name, wrong)


def _alpha(world: World) -> Iterator[Finding]:
    for kind in _KINDS:
        for resource in world.of_kind(kind):
            ignored = _SET_BY_ISTIO
            if kind == "Pod" and not _has_init(resource):
                ignored = ignored | _SET_WITHOUT_INIT
            for name in _own(resource):
                definition = known_annotations().get(name)
                if definition and definition["status"] == "Alpha" and name not in ignored:
                    yield _finding("IST0136", resource, name)


def _has_init(pod: Resource) -> bool:
    return any(each.get("name") == "istio-init" for each in pod.spec.get("initContainers") or ())


ANALYZERS = (
    Check(
        name="annotations.K8sAnalyzer",
        description="Checks for misplaced and invalid Istio annotations in Kubernetes resources",
        inputs=("Deployment",),
        hints=_KINDS,
        run=_placement,
    ),
    Check(
        name="annotations.AlphaAnalyzer",
        description="Checks for alpha Istio annotations in Kubernetes resources",
        inputs=("Deployment",),
        hints=_KINDS,
        run=_alpha,
    ),
)
