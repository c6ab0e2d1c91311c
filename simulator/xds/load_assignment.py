"""The endpoints of one cluster as one kind of client sees them, grouped by locality.

istiod: pilot/pkg/xds/endpoints/endpoint_builder.go, mtls_checker.go.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simulator.model.labels import selects
from simulator.model.services import Endpoint, Health, Resolution, Service
from simulator.model.wire import Json
from simulator.registry.policies import MtlsMode
from simulator.registry.scopes import DestinationRule
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Place
from simulator.xds.envoy_messages import address
from simulator.xds.locality import LocalityGroup
from simulator.xds.networks import is_mtls, network_gateways, through_gateways
from simulator.xds.outlier_detection import supports_unhealthy
from simulator.xds.traffic_policy import rule_subset
from simulator.xds.view import Shared

DNS = frozenset({Resolution.DNS_LB, Resolution.DNS_ROUND_ROBIN_LB})
DRAINING_LABEL = "istio.io/draining"
PERSISTENT_SESSION_LABEL = "istio.io/persistent-session"
_CANONICAL_NAME = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
_CANONICAL_REVISION = ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version")


def locality_groups(
    snapshot: Snapshot,
    shared: Shared,
    *,
    service: Service,
    port: int,
    subset: str,
    rule: DestinationRule | None,
    place: Place,
    sni_dnat: bool = False,
) -> list[LocalityGroup]:
    """Return the endpoints of a service's port and subset by locality, in order of its name; priorities come later."""
    labels = (rule_subset(rule, subset) or {}).get("labels") or {} if subset else {}
    mode = rule_tls_mode(rule, port=port, subset=subset)
    by_locality: dict[str, LocalityGroup] = {}
    for endpoint in snapshot.endpoints(service, port):
        if not selects(labels, endpoint.labels) or not _is_sent(snapshot, service, endpoint, place):
            continue
        dialled, speaks_mtls, label = shared(endpoint_facts, endpoint)
        if not dialled and service.resolution not in DNS:
            continue
        mtls = speaks_mtls if mode is None else mode == "ISTIO_MUTUAL"
        member = shared(envoy_endpoint, endpoint, mtls, service if service.mesh_external else None)
        group = by_locality.setdefault(label, LocalityGroup(locality=endpoint.locality))
        group.members.append((endpoint, member))
    groups = [by_locality[label] for label in sorted(by_locality)]
    for group in groups:
        group.weigh()
    gateways = shared(network_gateways, service.resolution not in DNS)
    groups = through_gateways(groups, place=place, gateways=gateways)
    if sni_dnat:  # such a cluster passes mTLS through, so only endpoints that speak it may be in it
        for group in groups:
            group.members = [member for member in group.members if is_mtls(member[1])]
            group.weigh()
    return groups


class EndpointFacts(NamedTuple):
    """What every client of an endpoint has to know."""

    dialled: bool
    """Its address needs no resolving."""
    mtls: bool
    """It is called with mTLS when no rule says otherwise."""
    locality: str


def endpoint_facts(snapshot: Snapshot, endpoint: Endpoint) -> EndpointFacts:
    """Work out what every client of an endpoint has to know."""
    return EndpointFacts(is_address(endpoint), accepts_mtls(snapshot, endpoint), str(endpoint.locality))


def is_address(endpoint: Endpoint) -> bool:
    """Tell whether Envoy can dial the endpoint without resolving a name."""
    if endpoint.port == 0:  # a Unix domain socket
        return True
    try:
        ipaddress.ip_address(endpoint.address)
    except ValueError:
        return False
    return True


def rule_tls_mode(rule: DestinationRule | None, *, port: int, subset: str) -> str | None:
    """Return the TLS mode that the rule sets for a subset's port; None when it sets none."""
    if rule is None:
        return None
    owner = rule_subset(rule, subset) if subset else rule.spec
    policy = (owner or {}).get("trafficPolicy") or {}
    tls = policy.get("tls")
    for entry in policy.get("portLevelSettings") or ():
        if (entry.get("port") or {}).get("number") == port and entry.get("tls") is not None:
            tls = entry["tls"]
            break
    return None if tls is None else str(tls.get("mode") or "DISABLE")


def accepts_mtls(snapshot: Snapshot, endpoint: Endpoint) -> bool:
    """Tell whether an endpoint is called with mTLS when no rule says: its proxy and PeerAuthentication allow it."""
    if endpoint.tls_mode != "istio":
        return False
    policy = snapshot.peer_authentication(endpoint.namespace, endpoint.labels)
    return policy.mode_of(endpoint.port) is not MtlsMode.DISABLE


def envoy_endpoint(snapshot: Snapshot, endpoint: Endpoint, mtls: bool, external: Service | None) -> Json:
    """Return an endpoint in Envoy's form; metadata chooses its transport socket and names its workload.

    `external`: the service, where it is outside of the mesh.
    """
    target: Json = {"address": address(endpoint.address, endpoint.port)}
    if snapshot.flag("ISTIO_DUAL_STACK", default=False) and len(endpoint.addresses) > 1:
        target["additional_addresses"] = [{"address": address(ip, endpoint.port)} for ip in endpoint.addresses[1:]]
    result: Json = {"endpoint": target}
    health = _draining(snapshot, endpoint) or endpoint.health
    if health is not Health.UNKNOWN:
        result["health_status"] = health.value if health is not Health.TERMINATING else "TIMEOUT"
    result["load_balancing_weight"] = endpoint.weight or 1
    metadata: Json = {}
    if mtls and endpoint.tls_mode not in ("", "disabled"):
        metadata["envoy.transport_socket_match"] = {"tlsMode": endpoint.tls_mode}
    if snapshot.flag("PILOT_ENABLE_TELEMETRY_LABEL", default=True) and snapshot.flag(
        "PILOT_ENDPOINT_TELEMETRY_LABEL", default=True
    ):
        metadata["istio"] = {"workload": _workload(snapshot, endpoint, external)}
    if metadata:
        result["metadata"] = {"filter_metadata": metadata}
    return result


def _workload(snapshot: Snapshot, endpoint: Endpoint, external: Service | None) -> str:
    labels, namespace = dict(endpoint.labels), endpoint.namespace
    canonical = snapshot.flag("PILOT_CANONICAL_SERVICE_FOR_MESH_EXTERNAL_SERVICE_ENTRY", default=False)
    if canonical and external is not None:
        namespace = external.namespace
        if _CANONICAL_NAME[0] in external.labels:
            labels[_CANONICAL_NAME[0]] = external.labels[_CANONICAL_NAME[0]]
            labels[_CANONICAL_REVISION[0]] = external.labels.get(_CANONICAL_REVISION[0], "")
    name = _first_label(labels, _CANONICAL_NAME, endpoint.workload_name)
    revision = _first_label(labels, _CANONICAL_REVISION, "latest")
    revision = "" if revision == "latest" else revision
    return ";".join((endpoint.workload_name, namespace, name, revision, endpoint.cluster_id))


def _first_label(labels: Mapping[str, str], keys: Sequence[str], default: str) -> str:
    return next((labels[key] for key in keys if key in labels), default)


def _is_sent(snapshot: Snapshot, service: Service, endpoint: Endpoint, place: Place) -> bool:
    if service.node_local and (endpoint.node_name != place.node or endpoint.cluster_id != place.cluster_id):
        return False
    if place.network_view and endpoint.network and endpoint.network not in place.network_view:
        return False
    if endpoint.health is Health.UNHEALTHY and not supports_unhealthy(snapshot, service.traffic_distribution):
        return False
    if endpoint.health is Health.TERMINATING:
        return False
    draining = endpoint.health is Health.DRAINING or _draining(snapshot, endpoint) is not None
    return not draining or bool(service.labels.get(persistent_session_label(snapshot)))


def persistent_session_label(snapshot: Snapshot) -> str:
    """Return the service label that asks for persistent sessions."""
    return snapshot.flags.get("PILOT_PERSISTENT_SESSION_LABEL") or PERSISTENT_SESSION_LABEL


def _draining(snapshot: Snapshot, endpoint: Endpoint) -> Health | None:
    label = snapshot.flags.get("PILOT_DRAINING_LABEL", DRAINING_LABEL)
    return Health.DRAINING if label and endpoint.labels.get(label) else None
