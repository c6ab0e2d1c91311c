"""VirtualServices that the Sidecars of their namespace do not import.

istiod: pilot/pkg/model/sidecar.go (convertIstioListenerToWrapper): a proxy sees a VirtualService only where an egress
host of its Sidecar covers one of the VirtualService's hosts; the destinations of those it sees are imported with them.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.hosts import qualified
from kubectl_mesh.analysis.references import full_name
from kubectl_mesh.analysis.virtual_services import MESH, gateways
from kubectl_mesh.analysis.world import World
from simulator.model.names import host_matches
from simulator.model.resources import Resource


def _unseen(world: World) -> Iterator[Finding]:
    by_namespace: dict[str, list[Resource]] = {}
    for sidecar in world.of_kind("Sidecar"):
        by_namespace.setdefault(sidecar.namespace, []).append(sidecar)
    for service in world.of_kind("VirtualService"):
        sidecars = by_namespace.get(service.namespace, ())
        default = next((each for each in sidecars if not _labels(each)), None)
        hosts = service.spec.get("hosts") or ()
        if default is None or not hosts or gateways(service) != [MESH] or not _is_private(service):
            continue
        if any(_imports(sidecar, service) for sidecar in sidecars):
            continue
        host = qualified(service.namespace, hosts[0])
        yield Finding(
            code="KM0017",
            resource=service,
            arguments=(host, full_name(default)),
            path=("spec", "hosts", 0),
            witness=f"a request to {host} from a sidecar of namespace {service.namespace} matches none of these rules",
            related=(default,),
        )


def _labels(sidecar: Resource) -> dict[str, str]:
    return (sidecar.spec.get("workloadSelector") or {}).get("labels") or {}


def _is_private(service: Resource) -> bool:
    """Tell whether a VirtualService is visible in its own namespace only."""
    export_to = service.spec.get("exportTo") or ("*",)
    return all(each in (".", service.namespace) for each in export_to)


def _imports(sidecar: Resource, service: Resource) -> bool:
    egress = sidecar.spec.get("egress")
    if not egress:
        return True
    for listener in egress:
        for written in listener.get("hosts") or ():
            scope, _, pattern = str(written).partition("/")
            scope = sidecar.namespace if scope == "." else scope
            if scope not in ("*", service.namespace):
                continue
            hosts = (qualified(service.namespace, host) for host in service.spec.get("hosts") or ())
            if any(host_matches(pattern, host) for host in hosts):
                return True
    return False


ANALYZERS = (
    Check(
        name="mesh.SidecarImports",
        description="Finds VirtualServices outside the sidecar scope of the only namespace that may use them",
        inputs=("VirtualService", "Sidecar"),
        run=_unseen,
    ),
)
