"""How is a service reached from outside?

istioctl: pkg/describe/describe.go (printIngressInfo), which knows only pods labelled `istio=ingressgateway`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_mesh.diagnosis.config_dump import ConfigDump, listed
from kubectl_mesh.diagnosis.describe_routing import subsets_of, virtual_service
from kubectl_mesh.diagnosis.describe_service import destination_rule_of, target_port, virtual_service_of
from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, spec
from kubectl_mesh.reports.describe import IngressReport
from simulator.model.labels import selects
from simulator.model.ports import Protocol, kubernetes_protocol
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

_LABEL = {"istio": "ingressgateway"}
_GROUP = "networking.istio.io/"
_SHOWN = ("http", "http2")
_NO_PODS = "Skipping Gateway information (no ingress gateway pods)"
_NO_SERVICE = "Skipping Gateway information (no ingress gateway service)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entrance:
    """A service in front of ingress gateway pods."""

    service: Json
    pods: tuple[Json, ...]

    @property
    def address(self) -> str:
        """The load balancer's address, or the node's; a name where the load balancer has only that."""
        ingress = listed(((self.service.get("status") or {}).get("loadBalancer") or {}).get("ingress"))
        if ingress:
            return str(ingress[0].get("ip") or ingress[0].get("hostname") or "")
        return str((self.pods[0].get("status") or {}).get("hostIP") or "unknown")

    def lines(self) -> tuple[str, ...]:
        """The URLs at which the HTTP ports are reached."""
        found = []
        for port in listed(spec(self.service).get("ports")):
            if port.get("name") not in _SHOWN or target_port(port, self.pods[0]) is None:
                continue
            number = int(port.get("port") or 0)
            protocol = kubernetes_protocol(
                number=number,
                name=str(port.get("name")),
                transport="TCP",
                app_protocol=str(port.get("appProtocol") or ""),
            )
            scheme = "http" if protocol in (Protocol.HTTP, Protocol.HTTP2) else ""
            suffix = "" if number == 80 and scheme else f":{number}"
            found.append(f"Exposed on Ingress Gateway {scheme}://{self.address}{suffix}")
        return tuple(found)


def ingress(
    lookup: Lookup, services: Sequence[Json], pods: Sequence[dict[str, str]]
) -> tuple[tuple[IngressReport, ...], tuple[str, ...]]:
    """Return the ways in to services, and notes on gateways that were skipped or are missing."""
    gateways = [
        pod
        for pod in lookup.all("Pod")
        if selects(_LABEL, labels(pod)) and (pod.get("status") or {}).get("phase") == "Running"
    ]
    if not gateways:
        return (), (_NO_PODS,)
    entrances = _entrances(lookup, gateways)
    notes = [] if entrances else [_NO_SERVICE]
    reports: list[IngressReport] = []
    seen: set[tuple[str, str]] = set()
    for pod in gateways:
        data = lookup.source.envoy(ProxyId(name_of(pod), namespace_of(pod)), "config_dump")
        dump = ConfigDump.parse(data, subject=f"config dump of {lookup.called(pod)}")
        for service in services:
            for port in listed(spec(service).get("ports")):
                found = _through(lookup, dump, service, int(port.get("port") or 0), entrances, pods, seen)
                reports += found[0]
                notes += found[1]
    return tuple(reports), tuple(notes)


def _entrances(lookup: Lookup, gateways: Sequence[Json]) -> list[_Entrance]:
    found = []
    for namespace in dict.fromkeys(map(namespace_of, gateways)):
        for service in lookup.all("Service", namespace):
            selector = spec(service).get("selector")
            behind = tuple(
                pod for pod in gateways if namespace_of(pod) == namespace and selects(selector or {}, labels(pod))
            )
            if behind and selector:
                found.append(_Entrance(service=service, pods=behind))
    return sorted(found, key=lambda each: each.address)


def _through(
    lookup: Lookup,
    dump: ConfigDump,
    service: Json,
    port: int,
    entrances: Sequence[_Entrance],
    pods: Sequence[dict[str, str]],
    seen: set[tuple[str, str]],
) -> tuple[list[IngressReport], list[str]]:
    """Return the ways through one gateway pod to one service port, and notes; each Gateway is mentioned once."""
    reference = virtual_service_of(dump, service, port)
    routes = lookup.get("VirtualService", *reference) if reference else None
    if routes is None:
        return [], [lookup.absence("VirtualService", *reference)] if reference else []
    rule = destination_rule_of(dump, service, port)
    subsets = subsets_of(lookup, lookup.get("DestinationRule", *rule) if rule else None, pods)
    reports: list[IngressReport] = []
    notes: list[str] = []
    for name in listed(spec(routes).get("gateways")):
        if name in ("", "mesh"):
            continue
        home, _, short = name.rpartition("/")
        key = (home or namespace_of(routes), short)
        if key in seen:
            continue
        seen.add(key)
        found = (each for each in lookup.all("Gateway", key[0]) if name_of(each) == key[1])
        gateway = next((each for each in found if str(each.get("apiVersion", "")).startswith(_GROUP)), None)
        if gateway is None:
            words = f"non-existent gateway {key[0]}/{key[1]}"
            skipped = f"Skipping Gateway information ({key[0]}/{key[1]} may not be read)"
            stale = f"WARNING: Proxy is stale; it references to {words}"
            notes.append(skipped if lookup.unseen("Gateway") else stale)
            continue
        selector = spec(gateway).get("selector")
        if not selector:
            notes.append(f"Ingress Gateway {key[0]}/{key[1]} be applied all workloads")
            continue
        matching = [each for each in entrances if any(selects(selector, labels(pod)) for pod in each.pods)]
        if matching:
            exposed = tuple(line for each in matching for line in each.lines())
            described = virtual_service(lookup, routes, service, subsets)
            reports.append(IngressReport(exposed=exposed, virtual_service=described))
    return reports, notes
