"""istiod's debug interface (`/debug/*` and `/version` on 15014 and 8080) over a snapshot.

istiod: pilot/pkg/xds/debug.go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from simulator.istiod import registry_views
from simulator.istiod.ambient_view import ambient_view
from simulator.istiod.dump_views import section
from simulator.istiod.pages import Page, document, text
from simulator.istiod.sync import CDS, ECDS, EDS, LDS, RDS, Push, connected, subscriptions, sync_status
from simulator.model.proxies import Proxy, ProxyId, Role
from simulator.model.resources import Resource
from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.registry.snapshot import Snapshot

REVISION = "simulated"
PATHS = {
    "adsz": "Status and debug interface for ADS",
    "adsz?push=true": "Initiates push of the current state to all connected endpoints",
    "ambientz": "Debug support for ambient",
    "authorizationz": "Internal authorization policies",
    "cachez": "Info about the internal XDS caches",
    "cachez?clear=true": "Clear the XDS caches",
    "cachez?sizes=true": "Info about the size of the internal XDS caches",
    "clusterz": "List remote clusters where istiod reads endpoints",
    "config_dump": "ConfigDump in the form of the Envoy admin config dump API for passed in proxyID",
    "configz": "Debug support for config",
    "connections": "Info about the connected XDS clients",
    "ecdsz": "Status and debug interface for ECDS",
    "edsz": "Status and debug interface for EDS",
    "endpointShardz": "Info about the endpoint shards",
    "endpointz": "Obsolete, use endpointShardz",
    "inject": "Active inject template",
    "instancesz": "Debug support for service instances",
    "list": "List all supported debug commands in json",
    "mcsz": "List information about Kubernetes MCS services",
    "mesh": "Active mesh config",
    "ndsz": "Status and debug interface for NDS",
    "networkz": "List cross-network gateways",
    "push_status": "Last PushContext Details",
    "pushcontext": "Debug support for current push context",
    "registryz": "Debug support for registry",
    "resourcesz": "Debug support for watched resources",
    "sidecarz": "Debug sidecar scope for a proxy",
    "syncz": "Synchronization status of all Envoys connected to this Pilot instance",
    "telemetryz": "Debug Telemetry configuration",
}
NOT_CONNECTED = "Proxy not connected to this Pilot instance. It may be connected to another instance.\n"
NEEDS_PROXY = "You must provide a proxyID in the query string\n"
_CONFIGURATION_GROUPS = (".istio.io", "gateway.networking.k8s.io")
_TYPES = {"cds": CDS, "lds": LDS, "rds": RDS, "eds": EDS, "ecds": ECDS}
_SECTIONS = {
    CDS: ("ClustersConfigDump", "dynamic_active_clusters", "cluster"),
    LDS: ("ListenersConfigDump", "dynamic_listeners", "listener"),
    RDS: ("RoutesConfigDump", "dynamic_route_configs", "route_config"),
    EDS: ("EndpointsConfigDump", "dynamic_endpoint_configs", "endpoint_config"),
    ECDS: ("EcdsConfigDump", "ecds_filters", "ecds_filter"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Istiod:
    """One istiod: its snapshot, a function to get a proxy's dump, its last push, and the revision it serves."""

    snapshot: "Snapshot"
    config_dump: Callable[[ProxyId], Json]
    push: Push
    version: str = "1.30.3"
    revision: str | None = None
    """Revision whose proxies are connected to it; None for all proxies."""
    disconnected: frozenset[ProxyId] = frozenset()
    """Proxies that lost their connection."""

    @property
    def proxies(self) -> Sequence[Proxy]:
        """The connected proxies by name."""
        return [each for each in connected(self.snapshot, self.revision) if each.id not in self.disconnected]

    def proxy(self, wanted: str) -> Proxy | None:
        """Return the proxy whose connection's name contains `wanted`."""
        return next((proxy for proxy in self.proxies if wanted in f"{proxy.id}-1"), None)


def version_page(istiod: Istiod) -> Page:
    """Answer `/version`: version, revision and status of the build."""
    return text(f"{istiod.version}-{REVISION}-Clean")


def debug_page(istiod: Istiod, target: str) -> Page:
    """Answer a GET of `/debug…`."""
    path, _, parameters = target.partition("?")
    query = dict(parse_qsl(parameters, keep_blank_values=True))
    name = path.strip("/").removeprefix("debug").strip("/")
    if not name:
        return _index()
    if name == "list":
        return _json(sorted(path for path in PATHS if path != "list"), query)
    if name in _WITH_PROXY or (name in ("telemetryz", "adsz") and query.get("proxyID")):
        return _proxy_page(istiod, name, query)
    answer = _PAGES.get(name)
    return answer(istiod, query) if answer else text("404 page not found\n", status=404)


def _json(value: object, query: Mapping[str, str]) -> Page:
    return document(value, indent=4 if "pretty" in query else None)


def _index() -> Page:
    rows = "".join(
        f"<tr><td><a href='/debug/{escape(path)}'>/debug/{escape(path)}</a></td><td>{escape(words)}</td></tr>\n"
        for path, words in PATHS.items()
    )
    body = f"<html><head><title>Pilot Debug Console</title></head><body><table>\n{rows}</table></body></html>\n"
    return Page(body=body.encode(), content_type="text/html; charset=utf-8")


def _syncz(istiod: Istiod, query: Mapping[str, str]) -> Page:
    namespace = query.get("namespace", "")
    found = [proxy for proxy in istiod.proxies if not namespace or proxy.namespace == namespace]
    return _json([sync_status(istiod.snapshot, proxy, istiod.push) for proxy in found], query)


def _registryz(istiod: Istiod, query: Mapping[str, str]) -> Page:
    return _json([registry_views.service_view(service) for service in istiod.snapshot.services], query)


def _configz(istiod: Istiod, query: Mapping[str, str]) -> Page:
    found: dict[int, Resource] = {}
    for kind in istiod.snapshot.kinds:
        for resource in istiod.snapshot.resources(kind):
            if resource.group.endswith(_CONFIGURATION_GROUPS):
                found[id(resource)] = resource
    ordered = sorted(found.values(), key=lambda each: (each.group, each.kind, each.namespace, each.name))
    return _json([resource.document for resource in ordered], query)


def _connections(istiod: Istiod, query: Mapping[str, str]) -> Page:
    clients = [
        {"connectionId": f"{proxy.id}-1", "connectedAt": istiod.push.time, "address": _peer(proxy)}
        for proxy in istiod.proxies
    ]
    return _json({"totalClients": len(clients), "clients": clients}, query)


def _peer(proxy: Proxy) -> str:
    return f"{proxy.addresses[0] if proxy.addresses else '127.0.0.1'}:40000"


def _ads_client(istiod: Istiod, proxy: Proxy) -> Json:
    return {
        "connectionId": f"{proxy.id}-1",
        "connectedAt": istiod.push.time,
        "address": _peer(proxy),
        "labels": dict(proxy.labels),
        "metadata": proxy.metadata,
        "locality": {
            key: value
            for key, value in (
                ("region", proxy.locality.region),
                ("zone", proxy.locality.zone),
                ("sub_zone", proxy.locality.subzone),
            )
            if value
        },
        "watches": {type_url: [] for type_url in subscriptions(istiod.snapshot, proxy)},
    }


def _adsz(istiod: Istiod, query: Mapping[str, str]) -> Page:
    if query.get("push"):
        return text(f"Pushed to {len(istiod.proxies)} servers\n")
    clients = [_ads_client(istiod, proxy) for proxy in istiod.proxies]
    return _json({"totalClients": len(clients), "clients": clients}, query)


def _authorizationz(istiod: Istiod, query: Mapping[str, str]) -> Page:
    by_namespace: dict[str, list[Json]] = {}
    for resource in istiod.snapshot.resources("AuthorizationPolicy"):
        view = {
            "name": resource.name,
            "namespace": resource.namespace,
            "annotations": dict(resource.annotations),
            "spec": resource.spec,
        }
        by_namespace.setdefault(resource.namespace, []).append(view)
    policies = {"namespace_to_policies": by_namespace, "root_namespace": istiod.snapshot.root_namespace}
    return _json({"authorization_policies": policies}, query)


def _telemetryz(istiod: Istiod, query: Mapping[str, str]) -> Page:
    by_namespace: dict[str, list[Json]] = {}
    for resource in istiod.snapshot.resources("Telemetry"):
        view = {"name": resource.name, "namespace": resource.namespace, "spec": resource.spec}
        by_namespace.setdefault(resource.namespace, []).append(view)
    telemetries = {"namespace_to_telemetries": by_namespace, "root_namespace": istiod.snapshot.root_namespace}
    return _json({"telemetries": telemetries}, query)


def _instancesz(istiod: Istiod, query: Mapping[str, str]) -> Page:
    found = {
        str(proxy.id): [registry_views.target_view(target) for target in istiod.snapshot.service_targets(proxy)]
        for proxy in istiod.proxies
        if proxy.role is not Role.ZTUNNEL
    }
    return _json(found, query)


def _resourcesz(istiod: Istiod, query: Mapping[str, str]) -> Page:
    seen = set()
    for kind in istiod.snapshot.kinds:
        for resource in istiod.snapshot.resources(kind):
            if resource.group.endswith(_CONFIGURATION_GROUPS):
                seen.add((resource.group, resource.api_version.rpartition("/")[2], resource.kind))
    return _json([{"group": group, "version": version, "kind": kind} for group, version, kind in sorted(seen)], query)


def _clusterz(istiod: Istiod, query: Mapping[str, str]) -> Page:
    clusters: list[Json] = [{"id": "Kubernetes", "syncStatus": "synced"}]
    for secret in istiod.snapshot.resources("Secret"):
        if secret.labels.get("istio/multiCluster") == "true":
            for cluster in (secret.document.get("data") or {}) | (secret.document.get("stringData") or {}):
                name = f"{secret.namespace}/{secret.name}"
                clusters.append({"id": cluster, "secretName": name, "syncStatus": "synced"})
    return _json(clusters, query)


def _cachez(istiod: Istiod, query: Mapping[str, str]) -> Page:
    if query.get("clear"):
        return text("Cache cleared\n")
    return _json({"total": "0B"} if query.get("sizes") else {}, query)


def _push_context(istiod: Istiod, query: Mapping[str, str]) -> Page:
    return _json({"AuthorizationPolicies": None, "NetworkGateways": None, "UnresolvedGateways": None}, query)


def _endpoint_shards(istiod: Istiod, query: Mapping[str, str]) -> Page:
    return _json(registry_views.shards(istiod.snapshot), query)


def _mesh(istiod: Istiod, query: Mapping[str, str]) -> Page:
    return _json(istiod.snapshot.mesh, query)


def _empty_list(istiod: Istiod, query: Mapping[str, str]) -> Page:
    return _json([], query)


def _empty_object(istiod: Istiod, query: Mapping[str, str]) -> Page:
    return _json({}, query)


_WITH_PROXY = frozenset({"config_dump", "ecdsz", "edsz", "ndsz", "sidecarz"})
_PAGES: Mapping[str, Callable[[Istiod, Mapping[str, str]], Page]] = {
    "adsz": _adsz,
    "ambientz": lambda istiod, query: _json(ambient_view(istiod.snapshot), query),
    "authorizationz": _authorizationz,
    "cachez": _cachez,
    "clusterz": _clusterz,
    "configz": _configz,
    "connections": _connections,
    "endpointShardz": _endpoint_shards,
    "endpointz": _endpoint_shards,
    "inject": _empty_object,
    "instancesz": _instancesz,
    "mcsz": _empty_list,
    "mesh": _mesh,
    "networkz": _empty_list,
    "push_status": _empty_object,
    "pushcontext": _push_context,
    "registryz": _registryz,
    "resourcesz": _resourcesz,
    "syncz": _syncz,
    "telemetryz": _telemetryz,
}


def _proxy_page(istiod: Istiod, name: str, query: Mapping[str, str]) -> Page:
    if not query.get("proxyID"):
        return text(NEEDS_PROXY, status=400)
    proxy = istiod.proxy(query["proxyID"])
    if proxy is None:
        return text(NOT_CONNECTED, status=404)
    match name:
        case "adsz":
            return _json({"totalClients": 1, "clients": [_ads_client(istiod, proxy)]}, query)
        case "telemetryz":
            return _json(
                [resource.document for resource in istiod.snapshot.telemetries(proxy.namespace, proxy.labels)], query
            )
        case "sidecarz":
            return _json(_scope_view(istiod.snapshot, proxy), query)
        case "ndsz":
            return _json({"configs": []}, query)
        case "edsz" | "ecdsz":
            return _json({"configs": resources_of(istiod, proxy, [_TYPES[name.removesuffix("z")]])}, query)
    types = [_TYPES[word] for word in query.get("types", "").lower().split(",") if word in _TYPES]
    if types:
        return _json({"configs": resources_of(istiod, proxy, types)}, query)
    return _json({"configs": sent_dump(istiod, proxy, endpoints="include_eds" in query)}, query)


def resources_of(istiod: Istiod, proxy: Proxy, types: Sequence[str]) -> list[Json]:
    """Return the Envoy resources of some types that a proxy was sent."""
    dump, found = istiod.config_dump(proxy.id), []
    for type_url in types:
        name, field, inner = _SECTIONS[type_url]
        for each in section(dump, name).get(field) or ():
            state = each.get("active_state") or each
            if inner in state:
                found.append({"@type": type_url} | state[inner])
    return found


def sent_dump(istiod: Istiod, proxy: Proxy, *, endpoints: bool) -> list[Json]:
    """Return what istiod sent a proxy, as sections of a config dump, without bootstrap and static resources."""
    dump = istiod.config_dump(proxy.id)
    prefix = "type.googleapis.com/envoy.admin.v3."
    names = ["BootstrapConfigDump", "ClustersConfigDump", "EndpointsConfigDump", "ListenersConfigDump",
             "ScopedRoutesConfigDump", "RoutesConfigDump", "SecretsConfigDump", "EcdsConfigDump"]  # fmt: skip
    found = []
    for name in names:
        if name == "EndpointsConfigDump" and not endpoints:
            continue
        kept = {
            field: [each for each in value if _is_sent(each)] if field == "dynamic_active_secrets" else value
            for field, value in section(dump, name).items()
            if field.startswith(("dynamic_active", "dynamic_l", "dynamic_r", "dynamic_e", "ecds"))
        }
        found.append({"@type": prefix + name} | {field: value for field, value in kept.items() if value})
    return found


def _is_sent(secret: Json) -> bool:
    """Tell whether istiod sends a secret; the workload's own certificate and files come from the agent."""
    return str(secret.get("name")).startswith(("kubernetes://", "kubernetes-gateway://", "configmap://"))


def _scope_view(snapshot: "Snapshot", proxy: Proxy) -> Json:
    scope = snapshot.scope(proxy)
    return {
        "Name": scope.resource.name if scope.resource else "default-sidecar",
        "Namespace": scope.namespace,
        "services": [registry_views.service_view(service) for service in scope.services],
        "outboundTrafficPolicy": scope.outbound_policy,
        "destinationRules": {
            host: [str(rule.sources[0]) for rule in rules if rule.sources]
            for host, rules in scope.destination_rules.items()
        },
    }
