"""Deprecated fields and kinds of Istio.

istiod: pkg/config/analysis/analyzers/deprecation/deprecation.go.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.world import World

_REMOVED_GROUP = "rbac.istio.io"
_REMOVED_KINDS = ("ClusterRbacConfig", "RbacConfig", "ServiceRole", "ServiceRoleBinding")


def _deprecated(world: World) -> Iterator[Finding]:
    for resource in world.of_kind("VirtualService"):
        for rule in resource.spec.get("http") or ():
            if (((rule.get("fault") or {}).get("delay") or {}).get("percent") or 0) > 0:
                text = "HTTPRoute.fault.delay.percent is deprecated; use HTTPRoute.fault.delay.percentage"
                yield Finding(code="IST0002", resource=resource, arguments=(text,))
                break
    for resource in world.of_kind("Sidecar"):
        if (resource.spec.get("outboundTrafficPolicy") or {}).get("egressProxy") is not None:
            yield Finding(code="IST0002", resource=resource, arguments=("OutboundTrafficPolicy.EgressProxy ignored",))
    for resource in world.of_kind("CustomResourceDefinition"):
        kind = resource.get("spec", "names", "kind")
        if resource.spec.get("group") == _REMOVED_GROUP and kind in _REMOVED_KINDS:
            text = f"Custom resource type {_REMOVED_GROUP} {kind} is removed"
            yield Finding(code="IST0002", resource=resource, arguments=(text,))


ANALYZERS = (
    Check(
        name="deprecation.DeprecationAnalyzer",
        description="Checks for deprecated Istio types and fields",
        inputs=("VirtualService", "Sidecar", "CustomResourceDefinition"),
        run=_deprecated,
    ),
)
