"""RDS: the route configurations that the listeners of a proxy ask for.

istiod: pilot/pkg/networking/core/httproute.go (BuildHTTPRoutes).
"""

import ipaddress
from collections.abc import Iterator, Sequence

from simulator.model.proxies import Role
from simulator.model.wire import Json, Listener, RouteConfiguration, VirtualHost
from simulator.registry.scopes import SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.listener_settings import metadata_flag, proxy_config
from simulator.xds.route_action import MAX_DIRECT_RESPONSE, timeouts
from simulator.xds.route_match import route_match
from simulator.xds.route_targets import destination_cluster
from simulator.xds.route_translation import source_label_keys
from simulator.xds.view import ProxyView, Shared
from simulator.xds.virtual_host_domains import AddressTraits
from simulator.xds.virtual_hosts import OutboundTraits, outbound_virtual_hosts

_HTTP_PROXY = "http_proxy"
_UNIX = "unix://"


def build_routes(view: ProxyView, listeners: Sequence[Listener]) -> tuple[RouteConfiguration, ...]:
    """Build the route configurations that the listeners name, sorted by name."""
    names = route_names(listeners)
    if view.proxy.role is Role.GATEWAY:
        from simulator.xds.gateway_routes import gateway_route_configuration

        headers = _proxy_headers(view)
        return tuple(
            gateway_route_configuration(
                view, name, attempt_count=_counts_attempts(headers), forwarded_host=_forwards_host(headers)
            )
            for name in names
        )
    return view.shared(outbound_route_configurations, view.shared, view.scope, outbound_traits(view), names)


def route_names(listeners: Sequence[Listener]) -> tuple[str, ...]:
    """Return the names of the route configurations that listeners ask for by RDS, sorted."""
    return tuple(sorted({name for listener in listeners for name in _names_of(listener)}))


def outbound_traits(view: ProxyView) -> OutboundTraits:
    """Collect the facts of a proxy, besides its scope, on which its outbound routes depend."""
    proxy, snapshot = view.proxy, view.snapshot
    families = {ipaddress.ip_address(address).version for address in proxy.addresses} or {4}
    allocated = snapshot.flag("PILOT_ENABLE_IP_AUTOALLOCATE", default=True)
    headers = _proxy_headers(view)
    keys = view.shared(relevant_labels, view.scope)
    captures = metadata_flag(proxy.metadata, "DNS_CAPTURE") or proxy.role is Role.WAYPOINT
    return OutboundTraits(
        namespace=proxy.namespace,
        dns_domain=f"{proxy.namespace}.svc.{proxy.domain}",
        addresses=AddressTraits(
            ipv4=4 in families,
            ipv6=6 in families,
            every_family=snapshot.flag("ISTIO_DUAL_STACK", default=False)
            or snapshot.flag("PILOT_ENABLE_AMBIENT", default=False),
            auto_addresses=captures and (allocated or metadata_flag(proxy.metadata, "DNS_AUTO_ALLOCATE")),
        ),
        labels=tuple(sorted((key, value) for key, value in proxy.labels.items() if key in keys)),
        attempt_count=_counts_attempts(headers),
        forwarded_host=_forwards_host(headers),
    )


def relevant_labels(snapshot: Snapshot, scope: SidecarScope) -> frozenset[str]:
    """Return the proxy labels that rules of a scope select on."""
    keys = source_label_keys([rule for egress in scope.egress for rule in egress.virtual_services])
    selectors = {key for rules in scope.destination_rules.values() for rule in rules for key in rule.selector}
    return keys | selectors


def outbound_route_configurations(
    snapshot: Snapshot, shared: Shared, scope: SidecarScope, traits: OutboundTraits, names: tuple[str, ...]
) -> tuple[RouteConfiguration, ...]:
    """Build all route configurations of a class of sidecars."""
    return tuple(shared(outbound_route_configuration, shared, scope, traits, name) for name in names)


def outbound_route_configuration(
    snapshot: Snapshot, shared: Shared, scope: SidecarScope, traits: OutboundTraits, name: str
) -> RouteConfiguration:
    """Build one route configuration of a sidecar: of a port, or of one sniffed host and port."""
    host, sniffed, port = _parse(name)
    if port is None:
        return {"name": name, "validate_clusters": False}
    if sniffed:
        index = shared(hosts_by_domain, shared, scope, traits, port)
        virtual_hosts = _sniffed_hosts(index, name=name, host=host)
    else:
        bind = "" if port else name
        virtual_hosts = [
            *shared(outbound_virtual_hosts, shared, scope, traits, port, bind),
            _catch_all(scope, traits),
        ]
    result: RouteConfiguration = {
        "name": name,
        "validate_clusters": False,
        "ignore_port_in_host_matching": True,
        "max_direct_response_body_size_bytes": MAX_DIRECT_RESPONSE,
    }
    if virtual_hosts:
        result["virtual_hosts"] = virtual_hosts
    return result


def hosts_by_domain(
    snapshot: Snapshot, shared: Shared, scope: SidecarScope, traits: OutboundTraits, port: int
) -> dict[str, list[VirtualHost]]:
    """Index the virtual hosts of a port by domain."""
    index: dict[str, list[VirtualHost]] = {}
    for virtual_host in shared(outbound_virtual_hosts, shared, scope, traits, port, ""):
        for domain in virtual_host["domains"]:
            index.setdefault(domain, []).append(virtual_host)
    return index


def _names_of(listener: Listener) -> Iterator[str]:
    chains = list(listener.get("filter_chains", ()))
    if "default_filter_chain" in listener:
        chains.append(listener["default_filter_chain"])
    for chain in chains:
        for network_filter in chain.get("filters", ()):
            rds: Json = network_filter.get("typed_config", {}).get("rds") or {}
            if "route_config_name" in rds:
                yield rds["route_config_name"]


def _parse(name: str) -> tuple[str, bool, int | None]:
    """Split a route name into the sniffed host, whether it is one, and the port (0: none; None: not a name of ours)."""
    if name == _HTTP_PROXY or name.startswith(_UNIX):
        return "", False, 0
    index = name.find(":")
    text = name[index + 1 :]
    sniffed = index >= 0
    if not text.isdigit():
        return "", sniffed, None
    return name[:index] if sniffed else "", sniffed, int(text)


def _sniffed_hosts(index: dict[str, list[VirtualHost]], *, name: str, host: str) -> list[VirtualHost]:
    """Return the virtual host of a sniffed service; any authority reaches it, since the address already chose it."""
    found = {id(virtual_host): virtual_host for domain in (name, host) for virtual_host in index.get(domain, ())}
    if len(found) == 1:
        return [{**virtual_host, "domains": ["*"]} for virtual_host in found.values()]
    return sorted(found.values(), key=lambda virtual_host: virtual_host["name"])


def _catch_all(scope: SidecarScope, traits: OutboundTraits) -> VirtualHost:
    """Return what happens to hosts that the proxy does not know."""
    route: Json = {"match": route_match(None)}
    if scope.outbound_policy.get("mode") == "ALLOW_ANY":
        name, egress = "allow_any", scope.outbound_policy.get("egressProxy")
        cluster = destination_cluster(egress, None, 0) if egress else "PassthroughCluster"
        route["route"] = {"cluster": cluster} | timeouts(None)
        if traits.forwarded_host:
            route["route"]["append_x_forwarded_host"] = True
    else:
        name = "block_all"
        route["direct_response"] = {"status": 502}
    host: VirtualHost = {"name": name, "domains": ["*"], "routes": [{"name": name, **route}]}  # type: ignore[typeddict-item]
    if traits.attempt_count:
        host["include_request_attempt_count"] = True
    return host


def _proxy_headers(view: ProxyView) -> Json:
    headers: Json = proxy_config(view.snapshot, view.proxy).get("proxyHeaders") or {}
    return headers


def _counts_attempts(headers: Json) -> bool:
    return not (headers.get("attemptCount") or {}).get("disabled")


def _forwards_host(headers: Json) -> bool:
    return bool((headers.get("xForwardedHost") or {}).get("enabled"))
