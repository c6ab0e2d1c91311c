"""Services: port names from which istiod can read a protocol.

istiod: pkg/config/analysis/analyzers/service/portname.go.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import is_control_plane
from kubectl_mesh.analysis.references import at
from kubectl_mesh.analysis.services import Services, port_protocol
from kubectl_mesh.analysis.world import World

_MANAGED = frozenset({"istio.io-gateway-controller", "istio.io-mesh-controller", "istio.io-eastwest-controller"})


def _port_names(world: World) -> Iterator[Finding]:
    for service in world.of_kind("Service"):
        if is_control_plane(service) or service.labels.get("gateway.istio.io/managed") in _MANAGED:
            continue
        external = service.spec.get("type") == "ExternalName"
        for index, port in enumerate(Services.ports(service)):
            if not port_protocol(port).is_auto and not (external and port.get("name") == "tcp"):
                continue
            path = at(service, "spec", "ports", index, "port")
            if external:
                yield Finding(code="IST0150", resource=service, path=path)
            else:
                target = str(port.get("targetPort") or 0)
                arguments = (port.get("name") or "", port.get("port") or 0, target)
                yield Finding(code="IST0118", resource=service, arguments=arguments, path=path)


ANALYZERS = (
    Check(
        name="service.PortNameAnalyzer",
        description="Checks the port names associated with each service",
        inputs=("Service",),
        run=_port_names,
    ),
)
