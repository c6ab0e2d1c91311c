"""What applies to a service, according to the proxy of one of its pods?

istioctl: pkg/describe/describe.go (describePodServices). Rules are found in the proxy's configuration, not by host.
"""

import re
from collections.abc import Iterator, Sequence

from kubectl_mesh.diagnosis.config_dump import ConfigDump, listed, messages
from kubectl_mesh.diagnosis.describe_routing import destination_rule, subsets_of, virtual_service
from kubectl_mesh.diagnosis.listeners import HTTP_FILTER, all_listeners
from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, spec
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.reports.describe import PortReport, ServiceReport
from simulator.model.labels import selects
from simulator.model.ports import Protocol, kubernetes_protocol
from simulator.model.wire import Json

_INBOUND = "virtualInbound"
_HTTP_RBAC = "envoy.filters.http.rbac"
_GATEWAY_ROUTES = ("http.", "https.")
_PATH = re.compile(r"/apis/networking(?:\.istio\.io)?/v1(?:alpha3|beta1)?/namespaces/([^/]+)/([a-z-]+)/([^/]+)")


def selecting(lookup: Lookup, pod: Json) -> list[Json]:
    """Return the services of a pod's namespace that select it."""
    services = lookup.all("Service", namespace_of(pod))
    return [each for each in services if spec(each).get("selector") and selects(spec(each)["selector"], labels(pod))]


def service(
    lookup: Lookup, document: Json, pod: Json, *, dump: ConfigDump, pods: Sequence[dict[str, str]]
) -> ServiceReport:
    """Describe a service by the configuration of one of its pods' proxies."""
    ports = listed(spec(document).get("ports"))
    return ServiceReport(
        name=lookup.called(document),
        ports=tuple(_port(port, pod) for port in ports if (port.get("protocol") or "TCP") == "TCP"),
        by_port=tuple(_applies(lookup, document, int(port.get("port") or 0), dump, pods) for port in ports),
    )


def _applies(lookup: Lookup, document: Json, port: int, dump: ConfigDump, pods: Sequence[dict[str, str]]) -> PortReport:
    stale: list[str] = []
    rule = None
    if found := destination_rule_of(dump, document, port):
        rule = lookup.get("DestinationRule", *found)
        if rule is None:
            stale.append(lookup.absence("DestinationRule", *found))
    subsets = subsets_of(lookup, rule, pods)
    routes = None
    if found := virtual_service_of(dump, document, port):
        routes = lookup.get("VirtualService", *found)
        if routes is None:
            stale.append(lookup.absence("VirtualService", *found))
    return PortReport(
        port=port,
        destination_rule=destination_rule(lookup, rule, subsets) if rule is not None else None,
        virtual_service=virtual_service(lookup, routes, document, subsets) if routes is not None else None,
        stale=tuple(stale),
        policies=_policies(dump),
    )


def destination_rule_of(dump: ConfigDump, document: Json, port: int) -> tuple[str, str] | None:
    """Return namespace and name of the DestinationRule in the outbound cluster of a service port."""
    host = f"{name_of(document)}.{namespace_of(document)}.svc.cluster.local"
    for cluster in _messages(dump, "ClustersConfigDump", {"dynamicActiveClusters": "cluster"}):
        name = str(cluster.get("name", ""))
        if host in name and "outbound" in name and f"|{port}|" in name and cluster.get("metadata") is not None:
            return _reference(cluster.get("metadata"), "destination-rule")
    return None


def virtual_service_of(dump: ConfigDump, document: Json, port: int) -> tuple[str, str] | None:
    """Return namespace and name of the VirtualService in the first route to a service port."""
    lists = {"dynamicRouteConfigs": "routeConfig"}
    found = sorted(_messages(dump, "RoutesConfigDump", lists), key=lambda each: str(each.get("name", "")))
    for configuration in found:
        name = str(configuration.get("name", ""))
        if name != str(port) and not name.startswith(_GATEWAY_ROUTES):
            continue
        hosts = sorted(listed(configuration.get("virtualHosts")), key=lambda each: str(each.get("name", "")))
        for host in hosts:
            for route in listed(host.get("routes")):
                if _is_to(route, host, document, port):
                    return _reference(route.get("metadata"), "virtual-service")
    return None


def _is_to(route: Json, host: Json, document: Json, port: int) -> bool:
    wanted = rf"{re.escape(name_of(document))}\.{re.escape(namespace_of(document))}\.svc\.cluster\.local$"
    if any(re.search(rf"(?:^|\.){wanted}", str(domain)) for domain in listed(host.get("domains"))):
        return True
    action = route.get("route") or {}
    weighted = listed((action.get("weightedClusters") or {}).get("clusters"))
    cluster = str(action.get("cluster") or (weighted[0].get("name") if weighted else "") or "")
    return re.search(rf"outbound\|{port}\|[^|]*\|{wanted}", cluster) is not None


def _reference(metadata: object, kind: str) -> tuple[str, str] | None:
    fields = (metadata or {}).get("filterMetadata") or {} if isinstance(metadata, dict) else {}
    found = _PATH.search(str((fields.get("istio") or {}).get("config", "")))
    return (found[1], found[3]) if found and found[2] == kind else None


def _messages(dump: ConfigDump, kind: str, lists: dict[str, str]) -> list[Json]:
    try:
        return messages(dump.section(kind), lists)
    except NothingFound:
        return []


def _policies(dump: ConfigDump) -> tuple[str, ...]:
    """Return the names of the authorization rules in the inbound listener, of any action, each once."""
    return tuple(
        dict.fromkeys(
            name for config in rbac_filters(dump) for name in (config.get("rules") or {}).get("policies") or {}
        )
    )


def rbac_filters(dump: ConfigDump) -> Iterator[Json]:
    """Yield the authorization filters of the first HTTP filter chain of the inbound listener."""
    for listener in all_listeners(dump) if dump.sections("ListenersConfigDump") else ():
        if listener.get("name") != _INBOUND:
            continue
        for chain in listed(listener.get("filterChains")):
            for filter_ in listed(chain.get("filters")):
                if filter_.get("name") == HTTP_FILTER:
                    http = listed((filter_.get("typedConfig") or {}).get("httpFilters"))
                    yield from (each.get("typedConfig") or {} for each in http if each.get("name") == _HTTP_RBAC)
                    return


def _port(port: Json, pod: Json) -> str:
    number = target_port(port, pod)
    if number is None:
        uid = str((pod.get("metadata") or {}).get("uid", ""))
        return f"no suitable port for manifest: {uid}"
    return f"Port: {port.get('name') or ''} {port.get('port')}/{_protocol(port)} targets pod port {number}"


def target_port(port: Json, pod: Json) -> int | None:
    """Return the number of the pod's port that a service port leads to; None when the pod lacks the named one."""
    target = port.get("targetPort")
    if isinstance(target, str) and not target.isdigit():
        for container in listed(spec(pod).get("containers")):
            for each in listed(container.get("ports")):
                same = (each.get("protocol") or "TCP") == (port.get("protocol") or "TCP")
                if each.get("name") == target and same:
                    return int(each.get("containerPort") or 0)
        return None
    return int(target or port.get("port") or 0)


def _protocol(port: Json) -> str:
    if not port.get("name") and port.get("appProtocol") is None:
        return "auto-detect"
    protocol = kubernetes_protocol(
        number=int(port.get("port") or 0),
        name=str(port.get("name") or ""),
        transport=str(port.get("protocol") or "TCP"),
        app_protocol=str(port.get("appProtocol") or ""),
    )
    if protocol is Protocol.AUTO and port.get("appProtocol") == "hbone":
        return Protocol.HBONE.value
    return protocol.value
