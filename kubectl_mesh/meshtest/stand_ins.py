"""Stand-ins for objects that manifests leave out and requests need: services and subsets, gateways, and a client.

Files of other tools usually come with routing rules and nothing else. A stand-in has the name that the rules use; none
is made for anything that the manifests define.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kubectl_mesh.meshtest.entrances import MESH
from simulator.model.resources import Resource
from simulator.model.wire import Json

_NAMESPACE = "stand-ins"
_CLIENT = "client"
_HTTP = 80
_ISTIO = "networking.istio.io/v1"
_DEFAULT = {"istio": "ingressgateway", "app": "istio-ingressgateway"}
"""Labels of the default gateway, used where the manifests bring none."""
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Pod"})


def stand_ins(resources: Iterable[Resource]) -> str:
    """Return the YAML of what is missing: services of routes' hosts and destinations, and the client."""
    known = list(resources)
    services = {(each.namespace, each.name) for each in known if each.kind == "Service"}
    wanted: dict[tuple[str, str], set[int]] = {}
    for rule in known:
        if rule.kind == "VirtualService":
            for host, port in _hosts(rule):
                place = _place(host, rule.namespace)
                if place is not None and place not in services:
                    wanted.setdefault(place, set()).add(port)
    namespaces = {each.name for each in known if each.kind == "Namespace"}
    documents = [_namespace(_NAMESPACE, injected=True)]
    documents += [_namespace(each) for each in sorted({place[0] for place in wanted} - namespaces)]
    for (namespace, name), ports in sorted(wanted.items()):
        documents += _service(namespace, name, sorted(ports | {_HTTP}))
    documents += _service(_NAMESPACE, _CLIENT, [_HTTP])
    documents += [*_subsets(known), *_gateways(known)]
    return "".join(f"---\n{json.dumps(each)}\n" for each in documents)


def _hosts(rule: Resource) -> Iterator[tuple[str, int]]:
    yield from ((str(host), _HTTP) for host in rule.spec.get("hosts") or ())
    for target in _targets(rule):
        if target.get("host"):
            yield str(target["host"]), int((target.get("port") or {}).get("number") or _HTTP)


def _subsets(known: Iterable[Resource]) -> Iterator[Json]:
    """Yield a DestinationRule for each service whose subsets rules name and nothing defines."""
    resources = list(known)
    defined = {_place(str(each.spec.get("host", "")), each.namespace) for each in resources
               if each.kind == "DestinationRule"}  # fmt: skip
    wanted: dict[tuple[str, str], dict[str, None]] = {}
    for rule in resources:
        for target in _targets(rule) if rule.kind == "VirtualService" else ():
            place = _place(str(target.get("host", "")), rule.namespace)
            if target.get("subset") and place is not None and place not in defined:
                wanted.setdefault(place, {})[str(target["subset"])] = None
    for (namespace, name), subsets in sorted(wanted.items()):
        spec = {
            "host": f"{name}.{namespace}.svc.cluster.local",
            "subsets": [{"name": each, "labels": {"app": name}} for each in subsets],
        }
        metadata = {"name": name, "namespace": namespace}
        yield {"apiVersion": _ISTIO, "kind": "DestinationRule", "metadata": metadata, "spec": spec}


def _gateways(known: Sequence[Resource]) -> Iterator[Json]:
    """Yield the undefined Gateways that rules are bound to, and a workload for each Gateway that selects none."""
    defined = {(each.namespace, each.name) for each in known if each.kind == "Gateway"}
    for rule in known:
        for name in rule.spec.get("gateways") or () if rule.kind == "VirtualService" else ():
            home, slash, short = str(name).rpartition("/")
            place = (home if slash else rule.namespace, short)
            if name != MESH and place not in defined:
                defined.add(place)
                server = {"port": {"number": _HTTP, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
                spec = {"selector": dict(_DEFAULT), "servers": [server]}
                metadata = {"namespace": place[0], "name": short}
                yield {"apiVersion": _ISTIO, "kind": "Gateway", "metadata": metadata, "spec": spec}
    labelled = [_DEFAULT, *(_pod_labels(each) for each in known if each.kind in _WORKLOADS)]
    for gateway in known:
        selector = {str(key): str(value) for key, value in (gateway.spec.get("selector") or {}).items()}
        if gateway.kind == "Gateway" and not any(selector.items() <= labels.items() for labels in labelled):
            labelled.append(selector)
            servers = gateway.spec.get("servers") or ()
            ports = sorted({int((each.get("port") or {}).get("number") or _HTTP) for each in servers})
            yield from _service(_NAMESPACE, f"gateway-{gateway.name}", ports, selector=selector)


def _pod_labels(workload: Resource) -> Mapping[str, str]:
    template = workload.document if workload.kind == "Pod" else workload.spec.get("template") or {}
    return {str(key): str(value) for key, value in ((template.get("metadata") or {}).get("labels") or {}).items()}


def _targets(rule: Resource) -> Iterator[Json]:
    for http in rule.spec.get("http") or ():
        yield from ((one.get("destination") or {}) for one in http.get("route") or ())
        if http.get("mirror"):
            yield http["mirror"]


def _place(host: str, home: str) -> tuple[str, str] | None:
    """Return (namespace, name) of a service's host, a short one as seen from `home`; None for other hosts."""
    parts = host.split(".")
    if "*" in host:
        return None
    if len(parts) == 1:
        return home, host
    return (parts[1], parts[0]) if len(parts) >= 3 and parts[2] == "svc" else None


def _namespace(name: str, *, injected: bool = False) -> Json:
    labels: Mapping[str, str] = {"istio-injection": "enabled"} if injected else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}}


def _service(
    namespace: str, name: str, ports: Iterable[int], *, selector: Mapping[str, str] | None = None
) -> Iterator[Json]:
    """Yield a service and its workload; with a selector, a gateway that has those labels."""
    labels = dict(selector or {"app": name})
    metadata = {"name": name, "namespace": namespace}
    named = [{"name": f"http-{port}", "port": port} for port in ports]
    yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": labels, "ports": named}}
    listed = [{"containerPort": each["port"]} for each in named]
    container = {"name": "istio-proxy" if selector else "app", "image": "stand-in", "ports": listed}
    marks = {"annotations": {"inject.istio.io/templates": "gateway"}} if selector else {}
    own = labels | ({"sidecar.istio.io/inject": "true"} if selector else {})
    template = {"metadata": {"labels": own, **marks}, "spec": {"containers": [container]}}
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }
