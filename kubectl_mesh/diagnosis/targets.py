"""Which proxies does `[NAMESPACE/][KIND/]NAME` or istioctl's `name.namespace` name?

istioctl: pkg/util/handlers/handlers.go; kinds other than pods stand for their pods.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kubectl_mesh.diagnosis.describe_pod import is_ambient
from kubectl_mesh.diagnosis.suggestions import SHORT_KINDS, Known, listed, suggest
from kubectl_mesh.errors import AmbiguousName, NothingFound, SourceError, UsageError
from kubectl_mesh.sources.base import MeshSource
from simulator.model.labels import GATEWAY_NAME, label_selector_selects, selects
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

_SHORT = {
    "Pod": ("pod", "pods", "po"),
    "Deployment": ("deployment", "deployments", "deploy"),
    "ReplicaSet": ("replicaset", "replicasets", "rs"),
    "ReplicationController": ("replicationcontroller", "replicationcontrollers", "rc"),
    "StatefulSet": ("statefulset", "statefulsets", "sts"),
    "DaemonSet": ("daemonset", "daemonsets", "ds"),
    "Job": ("job", "jobs"),
    "CronJob": ("cronjob", "cronjobs", "cj"),
    "Service": ("service", "services", "svc"),
    "Gateway": ("gateway", "gateways", "gtw", "gw"),
}
KINDS = {short: kind for kind, shorts in _SHORT.items() for short in shorts}
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Service", "Gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One interpretation of a name; an empty kind means a pod, else a workload of that name."""

    kind: str
    name: str
    namespace: str


def readings(text: str, *, namespace: str = "") -> tuple[Target, ...]:
    """Return the interpretations of a name, likeliest first: its last dot may be part of the name or end it."""
    parts = text.split("/")
    if len(parts) > 3 or not all(parts):
        raise UsageError(f"{text}: not a name", hint="write [NAMESPACE/][KIND/]NAME or name.namespace")
    *front, name = parts
    kind = ""
    if front and front[-1].lower() in KINDS:
        kind = KINDS[front.pop().lower()]
    if len(front) > 1:
        raise UsageError(f"{text}: unknown kind {front[1]}", hint=f"kinds are {', '.join(sorted(set(KINDS)))}")
    if front:
        return (Target(kind=kind, name=name, namespace=front[0]),)
    whole = Target(kind=kind, name=name, namespace=namespace)
    head, dot, tail = name.rpartition(".")
    return (Target(kind=kind, name=head, namespace=tail), whole) if dot and head and tail else (whole,)


def find_proxies(source: MeshSource, text: str, *, namespace: str = "") -> Sequence[ProxyId]:
    """Return every proxy that a name stands for; refuse when there is none."""
    proxies = source.proxies()
    if found := find_among(source, text, proxies, namespace=namespace):
        return found
    if pod := _pod(source, text, namespace=namespace):
        raise _without_proxy(pod)
    meant = readings(text, namespace=namespace)[0]
    others = [(proxy.namespace, proxy.name) for proxy in proxies]
    hint = suggest(meant.name, meant.namespace, workloads=_workloads(source, proxies), others=others)
    raise NothingFound(f"{text}: no such proxy{_where(meant)}", hint=hint or "the mesh has no proxies")


def _without_proxy(pod: Json) -> NothingFound:
    """Say that a pod has no proxy, and where else to look."""
    namespace, name = _key(pod)
    bare = ProxyId(name, namespace)
    if name.startswith("ztunnel-"):
        return NothingFound(f"{bare}: the pod has no proxy", hint=f"kubectl mesh ztunnel-config all {bare}")
    if is_ambient(pod):
        hint = f"kubectl mesh ztunnel-config workload {bare} shows what its ztunnel knows of it"
        return NothingFound(f"{bare}: the pod is ambient and has no proxy of its own", hint=hint)
    hint = f"kubectl mesh check-inject {bare} tells why; with -f, --inject {namespace} counts it as injected"
    return NothingFound(f"{bare}: the pod has no proxy", hint=hint)


def _pod(source: MeshSource, text: str, *, namespace: str) -> Json | None:
    """Return the pod of a name; None when there is none."""
    try:
        pods = {ProxyId(*reversed(_key(pod))): pod for pod in source.resources("Pod")}
        found = find_among(source, text, list(pods), namespace=namespace)
    except SourceError:
        return None
    return pods[found[0]] if found else None


def find_among(source: MeshSource, text: str, pods: Sequence[ProxyId], *, namespace: str = "") -> Sequence[ProxyId]:
    """Return those of some pods that a name stands for; none when it stands for none of them."""
    for target in readings(text, namespace=namespace):
        if found := _match(source, target, pods):
            return found
    return ()


def find_proxy(source: MeshSource, text: str, *, namespace: str = "") -> ProxyId:
    """Return the proxy that a name stands for: the first pod of a workload; without a name the only one there is."""
    if not text:
        proxies = source.proxies()
        if len(proxies) == 1:
            return proxies[0]
        names = ["/".join(each) for each in _workloads(source, proxies)]
        raise UsageError("name a proxy", hint=f"there are {listed(names)}" if names else "the mesh has no proxies")
    found = find_proxies(source, text, namespace=namespace)
    homes = sorted({proxy.namespace for proxy in found})
    if len(homes) > 1:
        raise AmbiguousName(f"{text}: in namespaces {' and '.join(homes)}", hint=f"write {homes[0]}/{text}")
    return found[0]


def _match(source: MeshSource, target: Target, proxies: Sequence[ProxyId]) -> list[ProxyId]:
    here = [proxy for proxy in proxies if target.namespace in ("", proxy.namespace)]
    if target.kind in ("", "Pod"):
        named = [proxy for proxy in here if proxy.name == target.name]
        if named or target.kind:
            return named
        for kind in _WORKLOADS:
            if found := _of_workload(source, kind, target, here):
                return found
        return []
    return _of_workload(source, target.kind, target, here)


def _of_workload(source: MeshSource, kind: str, target: Target, proxies: Sequence[ProxyId]) -> list[ProxyId]:
    known = {(proxy.namespace, proxy.name): proxy for proxy in proxies}
    pods = (pod for pod in source.resources("Pod", target.namespace or None) if _key(pod) in known)
    return sorted(known[_key(pod)] for pod in _pods_of(source, kind, target, pods))


def _pods_of(source: MeshSource, kind: str, target: Target, pods: Iterable[Json]) -> Iterator[Json]:
    if kind not in ("Service", "Gateway"):
        yield from (pod for pod in pods if (kind, target.name) in owners(pod))
        return
    tests = _selectors(source, kind, target)
    yield from (pod for pod in pods if any(test(pod) for test in tests))


def _selectors(source: MeshSource, kind: str, target: Target) -> list[Callable[[Json], bool]]:
    tests: list[Callable[[Json], bool]] = []
    for resource in _of_kind(source, kind, target.namespace or None):
        metadata, spec = resource.get("metadata") or {}, resource.get("spec") or {}
        if metadata.get("name") != target.name:
            continue
        home = metadata.get("namespace", "")
        if kind == "Service" or spec.get("selector"):
            tests.append(_selector(spec.get("selector") or {}, home if kind == "Service" else ""))
        else:
            tests.append(_selector({GATEWAY_NAME: target.name}, home))
    return tests


def _of_kind(source: MeshSource, kind: str, namespace: str | None) -> Iterator[Json]:
    """Yield the resources of a kind; a Gateway is Istio's or the Gateway API's."""
    yield from source.resources(kind, namespace)
    if kind == "Gateway":
        yield from source.resources("KubernetesGateway", namespace)


def _selector(selector: Json, namespace: str) -> Callable[[Json], bool]:
    def test(pod: Json) -> bool:
        metadata = pod.get("metadata") or {}
        inside = namespace in ("", metadata.get("namespace", ""))
        return bool(selector) and inside and selects(selector, metadata.get("labels") or {})

    return test


def owners(pod: Json) -> list[tuple[str, str]]:
    """Return the kinds and names of the controllers of a pod, a ReplicaSet's Deployment included."""
    metadata = pod.get("metadata") or {}
    found = [
        (str(owner.get("kind", "")), str(owner.get("name", ""))) for owner in metadata.get("ownerReferences") or ()
    ]
    template = (metadata.get("labels") or {}).get("pod-template-hash")
    for kind, name in list(found):
        if kind == "ReplicaSet" and template and name.endswith(f"-{template}"):
            found.append(("Deployment", name.removesuffix(f"-{template}")))
        if kind == "Job" and name.rpartition("-")[2].isdigit():
            found.append(("CronJob", name.rpartition("-")[0]))
    return found


def pods_selected(selector: Json, pods: Iterable[Json]) -> list[Json]:
    """Return the pods that a Kubernetes LabelSelector selects."""
    return [pod for pod in pods if label_selector_selects(selector, (pod.get("metadata") or {}).get("labels") or {})]


def _key(pod: Json) -> tuple[str, str]:
    metadata = pod.get("metadata") or {}
    return str(metadata.get("namespace", "")), str(metadata.get("name", ""))


def _where(target: Target) -> str:
    return f" in namespace {target.namespace}" if target.namespace else ""


def _workloads(source: MeshSource, proxies: Sequence[ProxyId]) -> list[Known]:
    """Return the workloads of proxies in the form of the command line; pods without owners stand for themselves."""
    known = {(proxy.namespace, proxy.name) for proxy in proxies}
    try:
        pods = [pod for pod in source.resources("Pod") if _key(pod) in known]
    except SourceError:
        return sorted(known)
    return list(dict.fromkeys((_key(pod)[0], workload_name(pod)) for pod in pods))


def workload_name(pod: Json) -> str:
    """Return the workload of a pod in the form of the command line; the pod's own name without an owner."""
    kinds = {kind: SHORT_KINDS.get(kind.lower()) for kind, _ in owners(pod)}
    owned = [f"{kinds[kind]}/{name}" for kind, name in owners(pod) if kinds[kind]]
    return owned[-1] if owned else _key(pod)[1]
