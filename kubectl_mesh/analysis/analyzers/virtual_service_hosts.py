"""VirtualServices of the mesh that claim the same host.

istiod: pkg/config/analysis/analyzers/virtualservice/conflictingmeshgatewayhosts.go.
"""

from collections.abc import Iterator, Mapping

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.hosts import EVERYWHERE, qualified
from kubectl_mesh.analysis.references import at, full_name
from kubectl_mesh.analysis.virtual_services import MESH, gateways
from kubectl_mesh.analysis.world import World
from simulator.model.names import host_matches
from simulator.model.resources import Resource

Claims = Mapping[tuple[str, str], list[Resource]]
"""VirtualServices by scope (a namespace, or `*`) and host."""


def _conflicts(world: World) -> Iterator[Finding]:
    claims = _claims(world)
    everywhere = {host: claimants for (scope, host), claimants in claims.items() if scope == EVERYWHERE}
    wildcards = [host for host in everywhere if host.startswith("*")]
    reported = set()
    for (scope, host), claimants in sorted(claims.items()):
        rivals = list(claimants)
        if scope != EVERYWHERE:
            candidates = list(everywhere) if host.startswith("*") else [host, *wildcards]
            for other in candidates:
                if other in everywhere and host_matches(host, other):
                    rivals += everywhere[other]
        if len(rivals) < 2:
            continue
        names = ",".join(sorted(map(full_name, rivals)))
        for service in rivals:
            if service not in reported:
                reported.add(service)
                yield Finding(
                    code="IST0109",
                    resource=service,
                    arguments=(names, f"{scope}/{host}"),
                    path=at(service, "metadata", "name"),
                    related=tuple(each for each in dict.fromkeys(rivals) if each is not service),
                )


def _claims(world: World) -> Claims:
    claims: dict[tuple[str, str], list[Resource]] = {}
    for service in world.of_kind("VirtualService"):
        if MESH not in gateways(service):
            continue
        export_to = service.spec.get("exportTo") or (EVERYWHERE,)
        scopes = {EVERYWHERE} if EVERYWHERE in export_to else {service.namespace if n == "." else n for n in export_to}
        for scope in scopes:
            for host in service.spec.get("hosts") or ():
                claims.setdefault((scope, qualified(service.namespace, host)), []).append(service)
    return claims


ANALYZERS = (
    Check(
        name="virtualservice.ConflictingMeshGatewayHostsAnalyzer",
        description="Checks if multiple virtual services associated with the mesh gateway have conflicting hosts",
        inputs=("VirtualService",),
        run=_conflicts,
    ),
)
