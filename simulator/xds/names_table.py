"""NDS: the DNS table from which the agent answers where DNS is captured.

istiod: pkg/dns/server/name_table.go (BuildNameTable).
"""

from collections.abc import Iterator

from simulator.model.addresses import is_address
from simulator.model.services import UNSPECIFIED, Endpoint, Health, Registry, Resolution, Service
from simulator.model.wire import Json
from simulator.registry.scopes import SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.listener_settings import metadata_flag
from simulator.xds.routes import outbound_traits
from simulator.xds.view import ProxyView
from simulator.xds.virtual_host_domains import AddressTraits, proxy_addresses

_MULTI_CLUSTER_DOMAIN = ".clusterset.local"


def build_names(view: ProxyView) -> Json | None:
    """Build the table of a proxy; None when its DNS is not captured."""
    if not metadata_flag(view.proxy.metadata, "DNS_CAPTURE"):
        return None
    traits = outbound_traits(view).addresses
    place = (view.proxy.network, view.proxy.cluster_id)
    return view.shared(names_table, view.scope, traits, place)


def names_table(
    snapshot: Snapshot,
    scope: SidecarScope,
    traits: AddressTraits,
    place: tuple[str, str],
) -> Json:
    """Build the table of a class of proxies; `place` is their network and cluster."""
    table: Json = {}
    for egress in scope.egress:
        for service in egress.services:
            _add_service(snapshot, table, service, traits, place)
    return {"table": table} if table else {}


def _add_service(
    snapshot: Snapshot, table: Json, service: Service, traits: AddressTraits, place: tuple[str, str]
) -> None:
    addresses = []
    headless = False
    for address in proxy_addresses(service, traits, single_auto=False):
        if address == UNSPECIFIED:
            headless = True
            break
        if is_address(address):
            addresses.append(address)
    if headless and service.resolution is Resolution.PASSTHROUGH and service.ports:
        pods, found = _headless(snapshot, service, place)
        table.update(pods)
        addresses += found
    if not addresses:
        return
    known = table.get(service.host)
    if known is None:
        table[service.host] = _entry(service, addresses)
    elif known["registry"] != Registry.KUBERNETES.value:
        if service.registry is Registry.KUBERNETES:
            table[service.host] = known | _entry(service, addresses)
        else:
            known["ips"] = known["ips"] + addresses


def _entry(service: Service, addresses: list[str]) -> Json:
    entry: Json = {"ips": addresses, "registry": service.registry.value}
    if service.registry is Registry.KUBERNETES and not service.host.endswith(_MULTI_CLUSTER_DOMAIN):
        entry |= {"namespace": service.namespace, "shortname": service.name}
    return entry


def _headless(snapshot: Snapshot, service: Service, place: tuple[str, str]) -> tuple[Json, list[str]]:
    """Return the entries of single pods, and the addresses of all of them."""
    network, cluster = place
    multi_cluster = snapshot.flag("ENABLE_MULTICLUSTER_HEADLESS", default=True)
    addresses: list[str] = []
    local: dict[str, Json] = {}
    remote: dict[str, Json] = {}
    for endpoint in _resolvable(snapshot, service):
        same_network = not network or not endpoint.network or endpoint.network == network
        same_cluster = not cluster or endpoint.cluster_id == cluster
        ips = list(endpoint.addresses or (endpoint.address,))
        if endpoint.sub_domain and same_network:
            short = f"{endpoint.host_name}.{endpoint.sub_domain}"
            host = f"{short}.{service.host.partition('.')[2]}"
            entry = (local if same_cluster else remote).setdefault(
                host,
                {
                    "ips": [],
                    "registry": service.registry.value,
                    "namespace": service.namespace,
                    "shortname": short,
                },
            )
            entry["ips"] += ips
        if same_network and (same_cluster or multi_cluster):
            addresses += ips
    return remote | local, addresses


def _resolvable(snapshot: Snapshot, service: Service) -> Iterator[Endpoint]:
    for endpoint in snapshot.endpoints(service, service.ports[0].number):
        ips = endpoint.addresses or (endpoint.address,)
        if not all(is_address(ip) for ip in ips):
            continue
        if service.publish_not_ready or endpoint.health is Health.HEALTHY:
            yield endpoint
