"""EnvoyFilters: operations that do nothing where they are applied, or that depend on the order of patches.

istiod: pkg/config/analysis/analyzers/envoyfilter/envoyfilter.go.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource
from simulator.model.wire import Json

_NOT_FOR_ROUTES = {"ADD": "IST0153", "REMOVE": "IST0154"}
_ROUTES = ("ROUTE_CONFIGURATION", "HTTP_ROUTE")
_REPLACEABLE = ("NETWORK_FILTER", "HTTP_FILTER", "VIRTUAL_HOST")
_RELATIVE = ("REMOVE", "REPLACE", "INSERT_BEFORE", "INSERT_AFTER")


def _patches(world: World) -> Iterator[Finding]:
    versioned: set[str] = set()
    for resource in world.of_kind("EnvoyFilter"):
        codes = list(_codes(resource, versioned))
        for code in dict.fromkeys(codes):
            yield Finding(code=code, resource=resource)


def _codes(resource: Resource, versioned: set[str]) -> Iterator[str]:
    """Yield a code per patch; names of patches for certain versions of the proxy are added to `versioned`."""
    for patch in resource.spec.get("configPatches") or ():
        change = patch.get("patch")
        if change is None:
            break
        name = _patched_name(patch)
        operation, target = change.get("operation") or "INVALID", patch.get("applyTo") or "INVALID"
        if operation in _NOT_FOR_ROUTES and target in _ROUTES:
            yield _NOT_FOR_ROUTES[operation]
        elif operation == "REPLACE" and target not in _REPLACEABLE:
            yield "IST0152"
        elif operation in _RELATIVE and not resource.spec.get("priority"):
            yield "IST0155" if name in versioned else "IST0151"
        if ((patch.get("match") or {}).get("proxy") or {}).get("proxyVersion"):
            versioned.add(name)


def _patched_name(patch: Json) -> str:
    value = patch["patch"].get("value")
    if not value:
        return ""
    if "name" in value:
        return f"string:{value['name']}"
    chain = ((patch.get("match") or {}).get("listener") or {}).get("filterChain") or {}
    return str((chain.get("filter") or {}).get("name") or "")


ANALYZERS = (
    Check(
        name="envoyfilter.EnvoyPatchAnalyzer",
        description="Checks an envoyFilters ",
        inputs=("EnvoyFilter",),
        run=_patches,
    ),
)
