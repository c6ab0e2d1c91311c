"""RequestAuthentication: which addresses istiod may fetch keys from.

istiod: pkg/config/analysis/analyzers/authn/blockedcidrs.go.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.references import full_name
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource

_VARIABLE = "BLOCKED_CIDRS_IN_JWKS_URIS"
_SHOWN = 5


def _blocked_ranges(world: World) -> Iterator[Finding]:
    names = [full_name(each) for each in world.of_kind("RequestAuthentication")]
    if not names:
        return
    text = ", ".join(names[:_SHOWN])
    if len(names) > _SHOWN:
        text += f", and {len(names) - _SHOWN} more"
    for deployment in world.of_kind("Deployment"):
        if deployment.labels.get("app") == "istiod" and not _blocks(deployment):
            yield Finding(code="IST0175", resource=deployment, arguments=(len(names), text))


def _blocks(istiod: Resource) -> bool:
    containers = istiod.get("spec", "template", "spec", "containers") or ()
    variables = (variable for each in containers for variable in each.get("env") or ())
    return any(each.get("name") == _VARIABLE and each.get("value") for each in variables)


ANALYZERS = (
    Check(
        name="authn.BlockedCIDRsAnalyzer",
        description="Checks that BLOCKED_CIDRS_IN_JWKS_URIS is configured on istiod "
        "when RequestAuthentication resources exist",
        inputs=("RequestAuthentication", "Deployment"),
        run=_blocked_ranges,
    ),
)
