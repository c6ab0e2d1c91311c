"""The facts of a client proxy, besides its sidecar scope, on which its outbound clusters and endpoints depend.

Proxies with an equal client hold the same clusters, so a fact belongs here only if a cluster or an assignment shows it.
istiod: pilot/pkg/networking/core/cluster_cache.go, pilot/pkg/xds/endpoints/endpoint_builder.go (what their keys name).
"""

import contextlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from simulator.model.proxies import Proxy, Role
from simulator.model.services import Locality
from simulator.model.wire import Json
from simulator.registry.scopes import DestinationRule, SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.listener_settings import metadata_flag
from simulator.xds.tunnels import is_ingress, joins_networks, sends_tunnels
from simulator.xds.view import ProxyView

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The facts of a proxy that its outbound clusters show."""

    role: Role = Role.SIDECAR
    ipv4: bool = True
    ipv6: bool = False
    preserve_header_case: bool = False
    certificates: tuple[str, str, str] = ("", "", "")
    """Paths of certificate chain, key and root where the node brings its own (`TLS_CLIENT_*`)."""
    credential_socket: bool = False
    file_credential_socket: bool = False
    hbone: bool = False
    """It sends through tunnels to endpoints that accept them."""

    @property
    def sidecar(self) -> bool:
        """The client is a sidecar."""
        return self.role is Role.SIDECAR

    @property
    def dual_stack(self) -> bool:
        """The client has addresses of both families."""
        return self.ipv4 and self.ipv6


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a client stands: what the choice and order of endpoints depends on."""

    role: Role = Role.SIDECAR
    ipv4: bool = True
    ipv6: bool = False
    cluster_id: str = ""
    network: str = ""
    network_view: frozenset[str] = frozenset()
    """Networks whose endpoints it asked for; empty for all."""
    locality: Locality = field(default_factory=Locality)
    node: str = ""
    """Name of its node, where a service of the scope answers on the same node only."""
    labels: Labels = ()
    """Those of its labels that failover priorities name."""
    plain: bool = False
    """It does not send through tunnels, even to endpoints that accept them."""
    is_ingress: bool = False
    """It is an ingress gateway, by its labels."""
    joins_networks: bool = False
    """It is an east-west gateway, which passes tunnels on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelKeys:
    """The label keys of clients that a scope's configuration looks at."""

    selectors: frozenset[str]
    failover: frozenset[str]
    node_local: bool


def client_of(view: ProxyView) -> Client:
    """Collect the client facts of a proxy."""
    proxy, metadata = view.proxy, view.proxy.metadata
    versions = ip_versions(proxy.addresses)
    return Client(
        role=proxy.role,
        ipv4=4 in versions,
        ipv6=6 in versions,
        preserve_header_case=_preserves_header_case(view.snapshot, proxy),
        certificates=(
            (
                metadata["TLS_CLIENT_CERT_CHAIN"],
                metadata.get("TLS_CLIENT_KEY", ""),
                metadata.get("TLS_CLIENT_ROOT_CERT", ""),
            )
            if metadata.get("TLS_CLIENT_CERT_CHAIN")
            else ("", "", "")
        ),
        credential_socket=metadata.get("credential") == "true",
        file_credential_socket=metadata.get("file-credential") == "true",
        hbone=sends_tunnels(view.snapshot, proxy),
    )


def place_of(view: ProxyView) -> Place:
    """Collect where a proxy stands."""
    proxy, keys = view.proxy, view.shared(label_keys, view.scope)
    versions = ip_versions(proxy.addresses)
    requested = proxy.metadata.get("REQUESTED_NETWORK_VIEW") or ()
    if isinstance(requested, str):
        requested = [part for part in requested.split(",") if part]
    return Place(
        role=proxy.role,
        ipv4=4 in versions,
        ipv6=6 in versions,
        cluster_id=proxy.cluster_id,
        network=proxy.network,
        network_view=frozenset(requested),
        locality=proxy.locality,
        node=proxy.node_name if keys.node_local else "",
        labels=project(proxy, keys.failover),
        plain=metadata_flag(proxy.metadata, "DISABLE_HBONE_SEND"),
        is_ingress=is_ingress(proxy),
        joins_networks=joins_networks(proxy),
    )


def selected_labels(view: ProxyView) -> Labels:
    """Return those of a proxy's labels that DestinationRules of its scope select on."""
    return project(view.proxy, view.shared(label_keys, view.scope).selectors)


def label_keys(snapshot: Snapshot, scope: SidecarScope) -> LabelKeys:
    """Find the label keys that matter to clients of a scope."""
    rules = [rule for candidates in scope.destination_rules.values() for rule in candidates]
    settings: list[Json] = [snapshot.mesh.get("localityLbSetting") or {}]
    for rule in rules:
        settings += _locality_settings(rule)
    failover = {key.partition("=")[0] for setting in settings for key in setting.get("failoverPriority") or ()}
    for service in scope.services:
        failover.update(DISTRIBUTION_LABELS.get(service.traffic_distribution, ()))
    return LabelKeys(
        selectors=frozenset(key for rule in rules for key in rule.selector),
        failover=frozenset(failover),
        node_local=any(service.node_local for service in scope.services),
    )


_ZONE_LABELS = ("topology.istio.io/network", "topology.kubernetes.io/region", "topology.kubernetes.io/zone")
DISTRIBUTION_LABELS = {
    "PreferClose": _ZONE_LABELS,
    "PreferSameZone": _ZONE_LABELS,
    "PreferSameNode": (*_ZONE_LABELS, "topology.istio.io/subzone", "kubernetes.io/hostname"),
}
"""Failover priorities that a service's trafficDistribution stands for."""


def ip_versions(addresses: Iterable[str]) -> frozenset[int]:
    """Return the IP versions of addresses; anything else among them is ignored."""
    versions = set()
    for address in addresses:
        with contextlib.suppress(ValueError):
            versions.add(ipaddress.ip_address(address).version)
    return frozenset(versions)


def project(proxy: Proxy, keys: frozenset[str]) -> Labels:
    """Return the proxy's labels of these keys, sorted."""
    return tuple(sorted((key, proxy.labels[key]) for key in keys if key in proxy.labels))


def _locality_settings(rule: DestinationRule) -> list[Json]:
    policies = [rule.spec.get("trafficPolicy") or {}]
    policies += [subset.get("trafficPolicy") or {} for subset in rule.spec.get("subsets") or ()]
    policies += [port for policy in policies for port in policy.get("portLevelSettings") or ()]
    return [(policy.get("loadBalancer") or {}).get("localityLbSetting") or {} for policy in policies]


def _preserves_header_case(snapshot: Snapshot, proxy: Proxy) -> bool:
    config = proxy.metadata.get("PROXY_CONFIG") or snapshot.mesh.get("defaultConfig") or {}
    headers = config.get("proxyHeaders") or {}
    return bool(headers.get("preserveHttp1HeaderCase"))
