"""ReferenceGrants: who may refer to what in another namespace.

istiod: pilot/pkg/config/kube/gatewaycommon/references.go.
"""

from kubectl_mesh.analysis.references import Name
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource

GATEWAY_API = "gateway.networking.k8s.io"
Kind = tuple[str, str]
"""Group and kind."""
Grants = dict[tuple[Kind, str, Kind, str], set[str | None]]
"""(kind and namespace of the referrer, of the target) → names that may be referred to, None for any."""


def grants(world: World) -> Grants:
    """Index the ReferenceGrants of a world."""
    found: Grants = {}
    for grant in world.of_kind("ReferenceGrant"):
        for sender in grant.spec.get("from") or ():
            for target in grant.spec.get("to") or ():
                origin = (sender.get("group") or "", sender.get("kind") or "")
                aim = (target.get("group") or "", target.get("kind") or "")
                key = (origin, sender.get("namespace") or "", aim, grant.namespace)
                found.setdefault(key, set()).add(target.get("name"))
    return found


def allowed(known: Grants, resource: Resource, *, target: Kind, name: Name) -> bool:
    """Tell whether a resource may refer to `name`, of kind `target`, in another namespace."""
    names = known.get(((resource.group, resource.kind), resource.namespace, target, name[0]), set())
    return None in names or name[1] in names
