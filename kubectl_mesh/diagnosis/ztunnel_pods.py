"""Which ztunnel does a user mean: a pod of the DaemonSet, the one on a node, or the one of a workload?

istioctl: pkg/ztunnelconfig/ztunnelconfig.go (runConfigDump, PodOnNodeFromDaemonset).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubectl_mesh.diagnosis.lookup import is_running, labels, name_of, namespace_of, spec
from kubectl_mesh.diagnosis.targets import find_among, readings
from kubectl_mesh.errors import NothingFound, UsageError
from kubectl_mesh.sources.base import MeshSource
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

APP = "ztunnel"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundZtunnel:
    """A ztunnel, and the workload by which it was found; None when it was named itself."""

    ztunnel: ProxyId
    workload: ProxyId | None = None


def is_ztunnel(pod: Json) -> bool:
    """Tell whether a pod runs ztunnel."""
    return labels(pod).get("app", "") == APP if "app" in labels(pod) else name_of(pod).startswith(f"{APP}-")


def ztunnels(source: MeshSource) -> Mapping[ProxyId, str]:
    """Return the running ztunnels and the nodes they serve, sorted by namespace and name."""
    found = {_id(pod): _node(pod) for pod in source.resources("Pod") if is_ztunnel(pod) and is_running(pod)}
    return dict(sorted(found.items(), key=lambda item: (item[0].namespace, item[0].name)))


def find_ztunnels(source: MeshSource, text: str = "", *, namespace: str = "", home: str = "") -> Sequence[ProxyId]:
    """Return the ztunnels that a name stands for, or all; `home` is the namespace of a name that has none."""
    known = list(ztunnels(source))
    if not known:
        raise NothingFound("the mesh has no ztunnel", hint="ztunnel-config needs Istio's ambient mode")
    if not text:
        return [one for one in known if namespace in ("", one.namespace)] or known
    for wanted in (namespace, home) if home else (namespace,):
        if found := find_among(source, text, known, namespace=wanted):
            return found
    raise NothingFound(f"{text}: no such ztunnel", hint=f"ztunnels are {', '.join(map(str, known[:8]))}")


def find_ztunnel(
    source: MeshSource, text: str = "", *, namespace: str = "", home: str = "", node: str = "", single: bool = False
) -> FoundZtunnel:
    """Return the ztunnel to read: the one named, else the first; with `single`, UsageError where none is named."""
    if text and node:
        raise UsageError("at most one of --file, --node, or pod name must be passed")
    known = ztunnels(source)
    if node:
        return FoundZtunnel(ztunnel=_on_node(known, node))
    if text and (carried := _workload(source, text, namespace=namespace)):
        return FoundZtunnel(ztunnel=_on_node(known, _node(carried)), workload=_id(carried))
    found = find_ztunnels(source, text, namespace=namespace, home=home)
    if single and not text and len(found) > 1:
        raise UsageError(
            "ztunnel pod name or --node must be set", hint=f"ztunnels are {', '.join(map(str, found[:8]))}"
        )
    return FoundZtunnel(ztunnel=found[0])


def _workload(source: MeshSource, text: str, *, namespace: str) -> Json | None:
    """Return the pod of a workload; None for a ztunnel."""
    wanted = {target.namespace for target in readings(text, namespace=namespace)}
    pods = {_id(pod): pod for pod in source.resources("Pod") if not is_ztunnel(pod)}
    inside = [one for one in pods if "" in wanted or one.namespace in wanted]
    found = find_among(source, text, inside, namespace=namespace)
    return pods[found[0]] if found else None


def _on_node(known: Mapping[ProxyId, str], node: str) -> ProxyId:
    for ztunnel, its_node in known.items():
        if its_node == node:
            return ztunnel
    nodes = ", ".join(sorted(set(known.values()))[:8])
    raise NothingFound(f"no ztunnel runs on node {node or '<none>'}", hint=f"ztunnels run on {nodes or 'no node'}")


def _id(pod: Json) -> ProxyId:
    return ProxyId(name_of(pod), namespace_of(pod))


def _node(pod: Json) -> str:
    return str(spec(pod).get("nodeName") or "")
