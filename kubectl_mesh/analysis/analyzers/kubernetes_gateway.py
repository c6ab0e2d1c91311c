"""The Gateway API's resources: versions of their definitions, and policies that select a gateway's pods.

istiod: pkg/config/analysis/analyzers/k8sgateway, pkg/config/schema/gatewayapi/minimumversions.go.
"""

import re
from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import WORKLOAD_KINDS, Pods, pods
from kubectl_mesh.analysis.world import World
from simulator.model.labels import GATEWAY_NAME

_MINIMUM = {
    "grpcroutes.gateway.networking.k8s.io": (1, 1, 0),
    "backendtlspolicies.gateway.networking.k8s.io": (1, 4, 0),
    "tlsroutes.gateway.networking.k8s.io": (1, 5, 0),
}
_BUNDLE = "gateway.networking.k8s.io/bundle-version"
_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_POLICIES = ("AuthorizationPolicy", "RequestAuthentication", "Telemetry", "WasmPlugin")


def _versions(world: World) -> Iterator[Finding]:
    for definition in world.of_kind("CustomResourceDefinition"):
        minimum = _MINIMUM.get(definition.name)
        found = _VERSION.fullmatch(str(definition.annotations.get(_BUNDLE) or ""))
        if minimum is None or found is None:
            continue
        installed = (int(found[1]), int(found[2] or 0), int(found[3] or 0))
        if installed < minimum:
            text = ".".join(map(str, installed)) + (found[4] or "") + (found[5] or "")
            arguments = (definition.name, text, ".".join(map(str, minimum)))
            yield Finding(code="IST0176", resource=definition, arguments=arguments)


def _gateway_pods(world: World) -> Pods:
    return Pods(tuple(pod for pod in world.once(pods).all if GATEWAY_NAME in pod.labels))


def _selectors(world: World) -> Iterator[Finding]:
    candidates = world.once(_gateway_pods)
    for kind in _POLICIES:
        for policy in world.of_kind(kind):
            selector = policy.spec.get("selector")
            if selector is None or policy.spec.get("targetRef"):
                continue
            labels = selector.get("matchLabels") or {}
            selected = list(candidates.by_namespace.get(policy.namespace, ()))
            if labels:
                selected = list(candidates.selected(labels, namespace=policy.namespace))
            for name in dict.fromkeys(pod.labels[GATEWAY_NAME] for pod in selected):
                yield Finding(code="IST0166", resource=policy, arguments=(name,))


ANALYZERS = (
    Check(
        name="k8sgateway.SelectorAnalyzer",
        description="Check that selectors are effective for Kubernetes gateway",
        inputs=(*_POLICIES, "Pod"),
        hints=WORKLOAD_KINDS,
        run=_selectors,
    ),
    Check(
        name="k8sgateway.CRDVersionAnalyzer",
        description="Checks Gateway API CRDs are at the minimum version required by this Istio version",
        inputs=("CustomResourceDefinition",),
        run=_versions,
    ),
)
