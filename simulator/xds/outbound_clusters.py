"""Outbound clusters: one per service port, one more per subset of the rule that applies.

istiod: pilot/pkg/networking/core/cluster.go (buildOutboundClusters), cluster_builder.go (applyDestinationRule,
buildSubsetCluster).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.model import names
from simulator.model.ports import Port, Protocol
from simulator.model.proxies import Role
from simulator.model.services import Registry, Resolution, Service
from simulator.model.wire import Cluster, Json
from simulator.registry.scopes import DestinationRule, SidecarScope
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client, Labels, Place
from simulator.xds.cluster_draft import ClusterDraft
from simulator.xds.cluster_shapes import Shape, ShapeFacts, apply_policy, shape_of
from simulator.xds.dynamic_forward_proxy import forward_proxy_draft, forwards
from simulator.xds.gateway_services import Hosts, is_used
from simulator.xds.inline_endpoints import inline_endpoints
from simulator.xds.load_assignment import DNS, Wanted, all_accept_tunnels, persistent_session_label
from simulator.xds.stat_names import stat_name
from simulator.xds.traffic_policy import rule_policy, simple_balancer, with_subset
from simulator.xds.upstream_tls import TlsFacts, apply_proxy_protocol, apply_upstream_tls, inferred_mode
from simulator.xds.view import Shared

EDS_CONFIG: Json = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
RACE_ANNOTATION = "istio.io/connect-strategy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One service port as one kind of client reaches it."""

    service: Service
    port: Port
    rule: DestinationRule | None
    client: Client
    place: Place | None
    """Where the client stands; None where the clusters hold no endpoints, so that it does not matter."""
    sni_dnat: bool = False
    shared: Shared = field(compare=False)

    def name(self, subset: str = "") -> str:
        """Return the name of the cluster of a subset."""
        name = names.ClusterName("outbound", self.port.number, subset, self.service.host)
        return name.dns_san if self.sni_dnat else str(name)

    def wanted(self, subset: str) -> Wanted:
        """Return what the cluster of a subset asks for where it holds its endpoints."""
        return Wanted(
            service=self.service,
            port=self.port.number,
            place=self.place or Place(role=self.client.role),
            subset=subset,
            rule=self.rule,
            sni_dnat=self.sni_dnat,
        )

    def shape_facts(self, discovery: str) -> ShapeFacts:
        """Return what the shape of its clusters depends on."""
        return ShapeFacts(
            discovery=discovery,
            protocol=self.port.protocol,
            distribution=self.service.traffic_distribution,
            client=self.client,
        )


def outbound_clusters(
    snapshot: Snapshot,
    shared: Shared,
    scope: SidecarScope,
    labels: Labels,
    client: Client,
    place: Place,
    used: Hosts | None,
) -> tuple[Cluster, ...]:
    """Build every outbound cluster that a proxy of this scope and kind has, in order of its services.

    `used`: the hosts that it is limited to, where it is.
    """
    built: list[Cluster] = []
    selected: Mapping[str, str] = dict(labels)
    for service in scope.services:
        if service.resolution is not Resolution.ALIAS and is_used(service, used):
            rule = scope.destination_rule(service.host, selected)
            stands = place if service.resolution in DNS else None
            built += shared(service_clusters, shared, service, rule, client, stands)
    return tuple(built)


def service_clusters(
    snapshot: Snapshot,
    shared: Shared,
    service: Service,
    rule: DestinationRule | None,
    client: Client,
    place: Place | None,
) -> tuple[Cluster, ...]:
    """Build the clusters of one service for one kind of client."""
    built: list[Cluster] = []
    for port in service.ports:
        if port.protocol is Protocol.UDP:
            continue
        target = Target(service=service, port=port, rule=rule, client=client, place=place, shared=shared)
        if service.resolution is Resolution.DYNAMIC_DNS and service.host.startswith("*"):
            if forwards(port):
                built.append(_forward_proxy(snapshot, target))
        else:
            built += port_clusters(snapshot, target)
    return tuple(built)


def port_clusters(snapshot: Snapshot, target: Target) -> list[Cluster]:
    """Build the cluster of a service port and those of its subsets."""
    rule, policy = target.rule, rule_policy(target.rule, target.port.number)
    discovery = discovery_type(snapshot, target.service, target.client)
    shape = shape_of(target.shared, target.shape_facts(discovery), policy)
    draft = _draft(snapshot, target, shape, subset="")
    if draft is None:
        return []
    if not target.sni_dnat and _supports_draining(snapshot, target.service):
        statuses = ["HEALTHY", "DRAINING", "UNKNOWN", "DEGRADED"]
        common = draft.cluster["common_lb_config"]
        draft.cluster["common_lb_config"] = {**common, "override_host_status": {"statuses": statuses}}
    discovery = draft.type  # the policy may have changed it, for the subsets too
    built = [_finish_default(snapshot, target, draft, policy)]
    for subset in (rule.spec.get("subsets") if rule else None) or ():
        cluster = _subset_cluster(snapshot, target, subset, discovery=discovery, policy=policy, known=shape)
        if cluster is not None:
            built.append(cluster)
    return built


def _forward_proxy(snapshot: Snapshot, target: Target) -> Cluster:
    service, port, policy = target.service, target.port, rule_policy(target.rule, target.port.number)
    draft = forward_proxy_draft(target.name(), service=service, port=port, client=target.client)
    distribution = service.traffic_distribution
    apply_policy(snapshot, draft, protocol=port.protocol, distribution=distribution, policy=policy)
    return _finish_default(snapshot, target, draft, policy)


def discovery_type(snapshot: Snapshot, service: Service, client: Client) -> str:
    """Choose how a client learns the endpoints of a service."""
    match service.resolution:
        case Resolution.DNS_LB:
            return "LOGICAL_DNS" if races(service) else "STRICT_DNS"
        case Resolution.DNS_ROUND_ROBIN_LB:
            return "LOGICAL_DNS"
        case Resolution.PASSTHROUGH if client.role is not Role.GATEWAY:
            for_headless = snapshot.flag("PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES", default=False)
            eds = for_headless and service.registry is Registry.KUBERNETES
            return "EDS" if eds else "ORIGINAL_DST"
    return "EDS"


def _draft(snapshot: Snapshot, target: Target, shape: Shape, *, subset: str) -> ClusterDraft | None:
    """Start a cluster; None where its endpoints would be inline and there are none."""
    service, port, name = target.service, target.port, target.name(subset)
    draft = shape.draft(name)
    if shape.facts.discovery in ("STRICT_DNS", "LOGICAL_DNS"):
        wanted = target.wanted(subset)
        endpoints = inline_endpoints(
            snapshot, target.shared, wanted, policy=shape.policy, labels_known=not subset and not target.sni_dnat
        )
        if not endpoints:
            return None
        if draft.type != "ORIGINAL_DST":
            draft.cluster["load_assignment"] = {"cluster_name": name, "endpoints": endpoints}
        if races(service):
            draft.cluster["dns_lookup_family"] = "ALL"
    overrides = service.registry is Registry.EXTERNAL and service.headless and bool(port.target)
    if shape.facts.discovery == "ORIGINAL_DST" and overrides:
        draft.cluster["original_dst_lb_config"] = {"upstream_port_override": int(port.target)}
    if snapshot.flag("PILOT_ENABLE_TELEMETRY_LABEL", default=True):
        draft.istio_metadata["services"] = target.shared(_service_metadata, service)
    if pattern := snapshot.mesh.get("outboundClusterStatName"):
        draft.cluster["alt_stat_name"] = stat_name(pattern, service=service, subset=subset, port=port) + ";"
    return draft


def _service_metadata(snapshot: Snapshot, service: Service) -> list[Json]:
    return [{"host": service.host, "name": service.name, "namespace": service.namespace}]


def _finish_default(snapshot: Snapshot, target: Target, draft: ClusterDraft, policy: Json | None) -> Cluster:
    whole = target.rule.spec.get("trafficPolicy") if target.rule else None
    _identify(snapshot, target, draft, policy=policy, mode_policy=whole, subset="")
    service, port = target.service, target.port.number
    if not target.sni_dnat and all_accept_tunnels(snapshot, target.shared, service, port):
        draft.istio_metadata["disable_mx"] = True
    elif service.mesh_external:
        draft.istio_metadata["external"] = True
    if target.rule is not None:
        _add_rule_metadata(draft, target.rule, policy)
    return draft.finish()


def _subset_cluster(
    snapshot: Snapshot, target: Target, subset: Json, *, discovery: str, policy: Json | None, known: Shape
) -> Cluster | None:
    name, own = subset["name"], subset.get("trafficPolicy")
    policy = with_subset(policy, own, target.port.number)
    if simple_balancer(own) == "PASSTHROUGH":
        discovery = "ORIGINAL_DST"
    if policy is not known.policy or discovery != known.facts.discovery:
        known = shape_of(target.shared, target.shape_facts(discovery), policy)
    draft = _draft(snapshot, target, known, subset=name)
    if draft is None or target.rule is None:
        return None
    _identify(snapshot, target, draft, policy=policy, mode_policy=own, subset=name)
    _add_rule_metadata(draft, target.rule, policy)
    draft.istio_metadata["subset"] = name
    return draft.finish()


def _identify(
    snapshot: Snapshot,
    target: Target,
    draft: ClusterDraft,
    *,
    policy: Json | None,
    mode_policy: Json | None,
    subset: str,
) -> None:
    """Add what depends on which service and subset it is: TLS, and where endpoints come from."""
    policy, service, port = policy or {}, target.service, target.port
    if draft.type == "EDS":
        draft.cluster["eds_cluster_config"] = {"eds_config": EDS_CONFIG, "service_name": draft.cluster["name"]}
    if target.sni_dnat:
        return
    forward = draft.dynamic_forward_proxy
    facts = TlsFacts(
        shared=target.shared,
        client=target.client,
        service=service,
        sni="" if forward else names.ClusterName("outbound", port.number, subset, service.host).dns_san,
        accounts=() if forward else snapshot.service_accounts(service),
        mode=inferred_mode(snapshot, service, port, mode_policy),
        rule_has_selector=target.rule is not None and target.rule.selective,
    )
    apply_upstream_tls(snapshot, draft, tls=policy.get("tls"), facts=facts)
    apply_proxy_protocol(draft, policy.get("proxyProtocol"))


def _add_rule_metadata(draft: ClusterDraft, rule: DestinationRule, policy: Json | None) -> None:
    path = f"/apis/networking.istio.io/v1/namespaces/{rule.namespace}/destination-rule/{rule.name}"
    draft.istio_metadata["config"] = path
    if ((policy or {}).get("tls") or {}).get("mode") in ("SIMPLE", "MUTUAL"):
        draft.istio_metadata["alpn_override"] = "false"


def _supports_draining(snapshot: Snapshot, service: Service) -> bool:
    header = snapshot.flags.get("PILOT_PERSISTENT_SESSION_HEADER_LABEL") or "istio.io/persistent-session-header"
    return bool(service.labels.get(persistent_session_label(snapshot)) or service.labels.get(header))


def races(service: Service) -> bool:
    """Tell whether a client of the service takes whichever address answers first."""
    return service.annotations.get(RACE_ANNOTATION) == "RACE_FIRST_TCP_CONNECT"
