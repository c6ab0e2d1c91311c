"""Deployments and Pods: the proxy's user id, and services that disagree about a port.

istiod: pkg/config/analysis/analyzers/deployment.
"""

from collections.abc import Iterator

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import PodView, in_mesh, is_control_plane
from kubectl_mesh.analysis.references import at, full_name
from kubectl_mesh.analysis.services import Services, services
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource
from simulator.model.wire import Json

_PROXY_USER = 1337
_OWN_CONTAINERS = ("istio-proxy", "istio-operator")


def _users(world: World) -> Iterator[Finding]:
    for kind in ("Pod", "Deployment"):
        for resource in world.of_kind(kind):
            spec = resource.spec if kind == "Pod" else resource.get("spec", "template", "spec") or {}
            if not is_control_plane(resource) and _uses_proxy_id(spec):
                yield Finding(code="IST0144", resource=resource)


def _uses_proxy_id(spec: Json) -> bool:
    """Tell whether an application runs as the proxy's user; in a gateway only the proxy does."""
    containers = [each for each in spec.get("containers") or () if each.get("name") not in _OWN_CONTAINERS]
    if spec.get("containers") and not containers:
        return False
    settings = [spec.get("securityContext")]
    settings += [each.get("securityContext") for each in containers]
    return any((each or {}).get("runAsUser") == _PROXY_USER for each in settings)


def _service_ports(world: World) -> Iterator[Finding]:
    known = world.once(services)
    for deployment in world.of_kind("Deployment"):
        if deployment.labels.get("gateway.istio.io/managed") == "istio.io-mesh-controller":
            continue
        template = deployment.get("spec", "template") or {}
        metadata = template.get("metadata") or {}
        view = PodView(
            resource=deployment,
            namespace=deployment.namespace,
            name=deployment.name,
            labels=metadata.get("labels") or {},
            annotations=metadata.get("annotations") or {},
            spec={"containers": (template.get("spec") or {}).get("containers") or ()},
        )
        matching = known.selecting(view.namespace, view.labels)
        if len(matching) > 1 and in_mesh(world, view):
            yield from _conflicts(deployment, matching)


def _conflicts(deployment: Resource, matching: list[Resource]) -> Iterator[Finding]:
    path = at(deployment, "metadata", "name")
    protocols: dict[int, dict[str, list[str]]] = {}
    targets: dict[str, dict[int, str]] = {}
    for service in matching:
        for port in Services.ports(service):
            number = port.get("port") or 0
            by_protocol = protocols.setdefault(number, {}).setdefault(port.get("protocol") or "TCP", [])
            by_protocol.append(full_name(service))
            targets.setdefault(str(port.get("targetPort") or number), {})[number] = full_name(service)
    for number, using in protocols.items():
        if len(using) > 1:
            names = tuple(sorted(name for names in using.values() for name in names))
            arguments = (deployment.name, number, names)
            yield Finding(code="IST0116", resource=deployment, arguments=arguments, path=path)
    for target, exposed in targets.items():
        if len(exposed) > 1:
            using_services, numbers = tuple(sorted(exposed.values())), tuple(sorted(exposed))
            yield Finding(
                code="IST0137",
                resource=deployment,
                arguments=(deployment.name, using_services, target, numbers),
                path=path,
            )


ANALYZERS = (
    Check(
        name="applicationUID.Analyzer",
        description="Checks invalid application UID",
        inputs=("Pod", "Deployment"),
        run=_users,
    ),
    Check(
        name="deployment.MultiServiceAnalyzer",
        description="Checks association between services and pods",
        inputs=("Service", "Deployment"),
        hints=("Namespace",),
        run=_service_ports,
    ),
)
