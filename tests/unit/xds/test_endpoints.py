import pytest

from tests.unit.xds.mesh import addresses, clusters, endpoints, generator, pod, service
from tests.unit.xds.test_clusters import WEB, rule
from tests.unit.xds.test_upstream_tls import authentication

CLIENT = pod("client", "10.0.0.9", app="client", node="r1.z1")
NEAR = pod("web-1", "10.0.0.1", node="r1.z1")
ZONE = pod("web-2", "10.0.0.2", node="r1.z2", version="v2")
FAR = pod("web-3", "10.0.0.3", node="r2.z1")
SHOP = (CLIENT, NEAR, ZONE, FAR, service())
OUTLIER = "outlierDetection: {}"


def test_every_eds_cluster_has_an_assignment() -> None:
    """Envoy waits for the endpoints of each EDS cluster, so there is one assignment for each, in their order."""
    made = generator(*SHOP, service("lonely"))
    eds = [name for name, cluster in clusters(made).items() if cluster.get("type") == "EDS"]
    assert list(endpoints(made)) == eds


def test_service_without_pods_has_an_empty_assignment() -> None:
    """No endpoints is an answer too."""
    assert endpoints(generator(CLIENT, service("lonely")))["outbound|80||lonely.shop.svc.cluster.local"] == []


def test_endpoints_are_grouped_by_locality_of_their_node() -> None:
    """Each locality is one group, in order of its name, weighing the sum of its endpoints."""
    groups = endpoints(generator(*SHOP))[WEB]
    assert [group["locality"] for group in groups] == [
        {"region": "r1", "zone": "z1"},
        {"region": "r1", "zone": "z2"},
        {"region": "r2", "zone": "z1"},
    ]
    assert [group["load_balancing_weight"] for group in groups] == [1, 1, 1]


def test_endpoint_names_its_workload_and_socket() -> None:
    """Metadata carries what telemetry and the choice of the transport socket need."""
    member = endpoints(generator(*SHOP))[WEB][0]["lb_endpoints"][0]
    assert member["health_status"] == "HEALTHY"
    metadata = member["metadata"]["filter_metadata"]
    assert metadata["envoy.transport_socket_match"] == {"tlsMode": "istio"}
    assert metadata["istio"]["workload"] == "web-1;shop;web;v1;Kubernetes"


def test_subset_selects_by_labels() -> None:
    """A subset holds the endpoints whose pods have its labels."""
    config = rule("{loadBalancer: {simple: RANDOM}}", more=", subsets: [{name: two, labels: {version: v2}}]")
    groups = endpoints(generator(*SHOP, config=config))[WEB.replace("||", "|two|")]
    assert addresses(groups) == [["10.0.0.2"]]


def test_unready_endpoint_is_not_sent() -> None:
    """A pod that is not ready gets no requests."""
    unready = pod("web-4", "10.0.0.4", ready=False)
    assert addresses(endpoints(generator(CLIENT, NEAR, unready, service()))[WEB]) == [["10.0.0.1"]]


def test_unready_endpoint_is_sent_where_near_ones_are_preferred() -> None:
    """With trafficDistribution Envoy must know how many are unhealthy, to know when to go farther."""
    unready = pod("web-4", "10.0.0.4", ready=False)
    mesh = generator(CLIENT, NEAR, unready, service(trafficDistribution="PreferClose"))
    assert addresses(endpoints(mesh)[WEB]) == [["10.0.0.1", "10.0.0.4"]]


def test_node_local_service_answers_on_the_same_node() -> None:
    """`internalTrafficPolicy: Local` hides the endpoints of other nodes."""
    assert addresses(endpoints(generator(*SHOP[:4], service(internalTrafficPolicy="Local")))[WEB]) == [["10.0.0.1"]]


def test_pod_without_proxy_is_called_in_plaintext() -> None:
    """Only an endpoint whose proxy terminates mTLS is marked for it."""
    bare = pod("web-1", "10.0.0.1", proxy="")
    member = endpoints(generator(CLIENT, bare, service()))[WEB][0]["lb_endpoints"][0]
    assert "envoy.transport_socket_match" not in member["metadata"]["filter_metadata"]


def test_workload_policy_counts_for_its_endpoints() -> None:
    """Clients learn of a workload's own DISABLE through its endpoints."""
    config = authentication("DISABLE").replace("spec: {", "spec: {selector: {matchLabels: {version: v2}}, ")
    groups = endpoints(generator(*SHOP, config=config))[WEB]
    marked = ["envoy.transport_socket_match" in g["lb_endpoints"][0]["metadata"]["filter_metadata"] for g in groups]
    assert marked == [True, False, True]


@pytest.mark.parametrize(("policy", "expected"), [("", 1), (OUTLIER, 3)])
def test_failover_needs_outlier_detection(policy: str, expected: int) -> None:
    """Without ejection Envoy would never leave the first priority, so istiod makes none."""
    groups = endpoints(generator(*SHOP, config=rule(f"{{{policy}}}")))[WEB]
    assert len({group.get("priority", 0) for group in groups}) == expected


def test_default_failover_goes_from_near_to_far() -> None:
    """Same zone, same region, the rest."""
    groups = endpoints(generator(*SHOP, config=rule(f"{{{OUTLIER}}}")))[WEB]
    assert addresses(groups) == [["10.0.0.1"], ["10.0.0.2"], ["10.0.0.3"]]


def test_failover_by_labels_splits_localities() -> None:
    """Endpoints that share a longer prefix of the labels with the client come first."""
    setting = "loadBalancer: {localityLbSetting: {failoverPriority: [app, version]}}"
    config = rule(f"{{{OUTLIER}, {setting}}}")
    client = pod("client", "10.0.0.9", labels={"app": "web", "version": "v2"})
    groups = endpoints(generator(client, *SHOP[1:], config=config))[WEB]
    first = [address for group in groups if not group.get("priority") for address in addresses([group])[0]]
    assert sorted(first) == ["10.0.0.2", "10.0.0.9"]


def test_distribution_shares_weight_by_rule() -> None:
    """`distribute` weighs the localities it lists and empties the others."""
    setting = "{distribute: [{from: r1/*, to: {'r1/z1/*': 80, 'r1/z2/*': 20}}]}"
    config = rule(f"{{loadBalancer: {{localityLbSetting: {setting}}}}}")
    groups = endpoints(generator(*SHOP, config=config))[WEB]
    assert [(group["load_balancing_weight"], "lb_endpoints" in group) for group in groups] == [
        (80, True),
        (20, True),
        (1, False),
    ]


def test_disabled_locality_setting_leaves_one_priority() -> None:
    """`enabled: false` turns failover off, in the rule or in the mesh."""
    off = rule(f"{{{OUTLIER}, loadBalancer: {{localityLbSetting: {{enabled: false}}}}}}")
    for made in (
        generator(*SHOP, config=off),
        generator(*SHOP, config=rule(f"{{{OUTLIER}}}"), mesh="localityLbSetting: {enabled: false}"),
    ):
        assert not any(group.get("priority") for group in endpoints(made)[WEB])


def test_preferring_the_same_zone_fails_over_without_ejection() -> None:
    """trafficDistribution is a promise of its own."""
    groups = endpoints(generator(*SHOP[:4], service(trafficDistribution="PreferSameZone")))[WEB]
    assert addresses(groups) == [["10.0.0.1"], ["10.0.0.2"], ["10.0.0.3"]]


def test_draining_label_hides_an_endpoint() -> None:
    """A pod that is being drained stays only in services with persistent sessions."""
    draining = pod("web-1", "10.0.0.1", labels={"istio.io/draining": "true"})
    assert endpoints(generator(CLIENT, draining, service()))[WEB] == []
    sticky = service(labels={"istio.io/persistent-session": "cookie"})
    member = endpoints(generator(CLIENT, draining, sticky))[WEB][0]["lb_endpoints"][0]
    assert member["health_status"] == "DRAINING"
