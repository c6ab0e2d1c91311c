"""Names for completion of commands whose words are no proxies: istiods, ztunnels, waypoints, any pod, any object."""

from collections.abc import Iterator, Sequence

from kubectl_mesh.cli.options import Settings
from kubectl_mesh.diagnosis.lookup import name_of, namespace_of
from kubectl_mesh.sources.base import Connection, MeshSource
from simulator.model.wire import Json

_OBJECTS = (
    ("virtualservice", "VirtualService"),
    ("destinationrule", "DestinationRule"),
    ("authorizationpolicy", "AuthorizationPolicy"),
    ("serviceentry", "ServiceEntry"),
    ("service", "Service"),
    ("gateway", "Gateway"),
    ("sidecar", "Sidecar"),
    ("envoyfilter", "EnvoyFilter"),
    ("peerauthentication", "PeerAuthentication"),
    ("requestauthentication", "RequestAuthentication"),
    ("telemetry", "Telemetry"),
)
Found = Iterator[tuple[str, str]]


def of_command(command: Sequence[str], source: MeshSource, settings: Settings) -> Found | None:
    """Return the names that a command takes; None for one that takes proxies."""
    match tuple(command):
        case ("admin", "log") | ("dashboard", "controlz" | "istiod-debug"):
            return _istiods(source, settings)
        case ("ztunnel-config", _):
            return _ztunnels(source)
        case ("waypoint", "delete"):
            return _waypoints(source, settings)
        case ("check-inject",) | ("experimental", "check-inject"):
            return _pods(source, settings.namespace)
    return None


def objects(source: MeshSource, namespace: str, *, is_path: bool) -> Found:
    """Walk the resources of a mesh as `KIND/NAME.NAMESPACE`, or as the path `KIND/NAMESPACE/NAME`."""
    for word, kind in _OBJECTS:
        for each in source.resources(kind, namespace or None):
            path = f"{namespace_of(each)}/{name_of(each)}"
            yield f"{word}/{path if is_path else _called(each, namespace)}", kind


def contexts(connection: Connection) -> list[str]:
    """Return the contexts of the kubeconfig."""
    import os

    from kubectl_mesh.sources.live import kubeconfig

    paths, required = kubeconfig.files(connection, os.environ)
    return [str(each["name"]) for each in kubeconfig.load(paths, required=required)["contexts"]]


def _istiods(source: MeshSource, settings: Settings) -> Found:
    from kubectl_mesh.diagnosis.istiod_pods import find

    for pod in find(source, namespace=settings.connection.istio_namespace):
        yield pod.name, "istiod"


def _ztunnels(source: MeshSource) -> Found:
    from kubectl_mesh.diagnosis.ztunnel_pods import ztunnels

    for ztunnel, node in ztunnels(source).items():
        yield str(ztunnel), node


def _waypoints(source: MeshSource, settings: Settings) -> Found:
    from kubectl_mesh.diagnosis import waypoints
    from kubectl_mesh.diagnosis.lookup import Lookup

    for row in waypoints.find(Lookup(source=source), namespace=settings.namespace or "default"):
        yield row.name, "waypoint"


def faults() -> Found:
    """Walk the kinds of faults."""
    from simulator.faults.model import RULES

    yield from ((kind.value, rule.meaning) for kind, rule in RULES.items())


def types_of_configuration() -> Found:
    """Walk the short names of what istiod sends."""
    from kubectl_mesh.diagnosis.proxy_status import SHORT_NAMES

    yield from ((name, "") for name in dict.fromkeys(SHORT_NAMES.values()))


def _pods(source: MeshSource, namespace: str) -> Found:
    for pod in source.resources("Pod", namespace or None):
        yield _called(pod, namespace), "pod"


def _called(resource: Json, namespace: str) -> str:
    return name_of(resource) if namespace else f"{name_of(resource)}.{namespace_of(resource)}"
