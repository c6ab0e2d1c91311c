"""The part of a service cluster that does not depend on which service it is: discovery, protocol and traffic policy.

Most services of a mesh have one of a few shapes, and a rule's subsets mostly have the shape of the rule.
istiod: pilot/pkg/networking/core/cluster_traffic_policy.go (applyTrafficPolicy).
"""

from dataclasses import dataclass

from simulator.model.ports import Protocol
from simulator.model.wire import Cluster, Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client
from simulator.xds.cluster_draft import ClusterDraft, add_metadata_exchange, draft_cluster
from simulator.xds.connection_pool import apply_connection_pool, upgrade_to_http2
from simulator.xds.load_balancing import apply_load_balancer
from simulator.xds.outlier_detection import apply_outlier_detection
from simulator.xds.view import Shared


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeFacts:
    """What a shape depends on besides the traffic policy."""

    discovery: str
    protocol: Protocol
    distribution: str
    """The service's trafficDistribution."""
    client: Client


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """A cluster without name, endpoints, TLS and metadata."""

    facts: ShapeFacts
    policy: Json | None
    cluster: Cluster
    http: Json | None

    def draft(self, name: str) -> ClusterDraft:
        """Start a cluster of this shape."""
        cluster: Cluster = {"name": name, "alt_stat_name": f"{name};", **self.cluster}
        return ClusterDraft(cluster=cluster, http=None if self.http is None else dict(self.http))


def shape_of(shared: Shared, facts: ShapeFacts, policy: Json | None) -> Shape:
    """Return the shape that a policy gives."""
    return shared(_plain_shape, facts) if policy is None else _shape(shared.snapshot, facts, policy)


def apply_policy(
    snapshot: Snapshot, draft: ClusterDraft, *, protocol: Protocol, distribution: str, policy: Json | None
) -> None:
    """Apply what a traffic policy says of connections, ejection and balancing."""
    policy = policy or {}
    pool = policy.get("connectionPool") or {}
    upgrade_to_http2(snapshot, draft, protocol=protocol, pool=pool)
    apply_connection_pool(snapshot, draft, pool=pool, retry_budget=policy.get("retryBudget"))
    apply_outlier_detection(snapshot, draft, distribution=distribution, outlier=policy.get("outlierDetection"))
    balancer = policy.get("loadBalancer")
    apply_load_balancer(snapshot, draft, protocol=protocol, distribution=distribution, balancer=balancer)
    if draft.type == "ORIGINAL_DST":
        draft.cluster["lb_policy"] = "CLUSTER_PROVIDED"
    add_metadata_exchange(snapshot, draft)


def _plain_shape(snapshot: Snapshot, facts: ShapeFacts) -> Shape:
    return _shape(snapshot, facts, None)


def _shape(snapshot: Snapshot, facts: ShapeFacts, policy: Json | None) -> Shape:
    draft = draft_cluster(snapshot, discovery=facts.discovery, protocol=facts.protocol, client=facts.client)
    apply_policy(snapshot, draft, protocol=facts.protocol, distribution=facts.distribution, policy=policy)
    return Shape(facts=facts, policy=policy, cluster=draft.cluster, http=draft.http)
