"""The services that a gateway gets clusters for where istiod is told to send it only those it uses.

istiod: pilot/pkg/model/push_context.go (GatewayServices, extraServicesForProxy); PILOT_FILTER_GATEWAY_CLUSTER_CONFIG.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from simulator.model.proxies import Role
from simulator.model.services import Service
from simulator.model.wire import Json
from simulator.xds.view import ProxyView

Hosts = frozenset[tuple[str, str]]
"""(namespace, host); an empty namespace stands for any."""

_PROVIDERS = (
    "envoyExtAuthzHttp",
    "envoyExtAuthzGrpc",
    "zipkin",
    "datadog",
    "skywalking",
    "opentelemetry",
    "envoyHttpAls",
    "envoyTcpAls",
    "envoyOtelAls",
    "sds",
)
_REFERENCES = "envoyfilter.istio.io/referenced-services"


def gateway_hosts(view: ProxyView) -> Hosts | None:
    """Return the hosts that a gateway or waypoint uses; None when it gets every service, as gateways do by default."""
    match view.proxy.role:
        case Role.WAYPOINT:
            own = _referenced_hosts(view)
        case Role.GATEWAY if view.snapshot.flag("PILOT_FILTER_GATEWAY_CLUSTER_CONFIG", default=False):
            own = _destination_hosts(view)
        case _:
            return None
    hosts = [*_provider_hosts(view), *_filter_hosts(view), *_key_set_hosts(view), *own]
    split = (host.partition("/") for host in hosts)
    return frozenset((first, rest) if slash else ("", first) for first, slash, rest in split)


def is_used(service: Service, hosts: Hosts | None) -> bool:
    """Tell whether a service is among the hosts that a gateway proxy uses."""
    return hosts is None or ("", service.host) in hosts or (service.namespace, service.host) in hosts


def _provider_hosts(view: ProxyView) -> Iterator[str]:
    for provider in view.snapshot.mesh.get("extensionProviders") or ():
        for kind in _PROVIDERS:
            if service := (provider.get(kind) or {}).get("service"):
                yield service


def _filter_hosts(view: ProxyView) -> Iterator[str]:
    for resource in view.snapshot.envoy_filters(view.proxy):
        listed = resource.annotations.get(_REFERENCES) or ""
        yield from (host.strip() for host in listed.split(",") if host.strip())


def _key_set_hosts(view: ProxyView) -> Iterator[str]:
    if view.snapshot.flags.get("PILOT_JWT_ENABLE_REMOTE_JWKS", "false").lower() in ("", "false", "istiod"):
        return
    proxy, waypoint = view.proxy, view.proxy.role is Role.WAYPOINT
    for resource in view.snapshot.request_authentications(proxy.namespace, proxy.labels, waypoint=waypoint):
        for rule in resource.spec.get("jwtRules") or ():
            if host := urlsplit(rule.get("jwksUri") or "").hostname:
                yield host


def _destination_hosts(view: ProxyView) -> Iterator[str]:
    gateway = view.snapshot.gateway(view.proxy)
    servers = [server for group in gateway.servers_by_port.values() for server in group] if gateway else []
    for name in sorted({server.name for server in servers}):
        for virtual_service in view.snapshot.virtual_services_of_gateway(name, view.proxy.namespace):
            yield from _destinations(virtual_service.spec)


def _referenced_hosts(view: ProxyView) -> Iterator[str]:
    """Yield where the routes of the services that a waypoint serves lead, if not to another one of them."""
    from simulator.xds.waypoint_services import waypoint_services

    served = {service.host: service for service in waypoint_services(view)}
    for egress in view.scope.egress:
        for virtual_service in egress.virtual_services:
            if any(host in served for host in virtual_service.hosts):
                for host in _destinations(virtual_service.spec):
                    if host not in served or served[host].mesh_external:
                        yield host


def _destinations(spec: Json) -> Iterator[str]:
    for protocol in ("http", "tcp", "tls"):
        for route in spec.get(protocol) or ():
            targets = [*(route.get("route") or ()), *(route.get("mirrors") or ()), {"destination": route.get("mirror")}]
            for target in targets:
                if host := (target.get("destination") or {}).get("host"):
                    yield host
