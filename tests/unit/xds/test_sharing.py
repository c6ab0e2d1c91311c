from tests.unit.xds.mesh import generator, pod, proxy_of, service
from tests.unit.xds.test_clusters import entry, rule

FIRST = pod("one", "10.0.0.1", app="one")
SECOND = pod("two", "10.0.0.2", app="two")
SHOP = (FIRST, SECOND, pod("web-1", "10.0.0.3"), service())
CONFIG = (
    entry("DNS")
    + "---"
    + rule("{loadBalancer: {simple: RANDOM}}", more=", subsets: [{name: v1, labels: {version: v1}}]")
)


def test_proxies_of_a_kind_hold_the_same_objects() -> None:
    """Outbound clusters and assignments of two sidecars of a namespace are one object each."""
    made = generator(*SHOP, config=CONFIG)
    first, second = (made.configuration(proxy_of(made, name)) for name in ("one", "two"))
    assert all(ours is theirs for ours, theirs in zip(first.clusters, second.clusters, strict=True))
    assert first.endpoints is second.endpoints


def test_namespaces_share_what_they_see_alike() -> None:
    """A proxy of another namespace holds the same clusters where the same rule applies."""
    other = pod("other", "10.0.0.4", namespace="ops", app="other")
    made = generator(*SHOP, other, config=CONFIG)
    first, second = (made.configuration(proxy_of(made, name)) for name in ("one", "other"))
    known = {cluster["name"]: cluster for cluster in second.clusters}
    assert all(known[cluster["name"]] is cluster for cluster in first.clusters)


def test_place_of_a_client_does_not_matter_to_eds_clusters() -> None:
    """A sidecar in another zone has its own assignments and the same clusters."""
    far = pod("far", "10.0.0.4", app="far", node="r2.z1")
    second = pod("web-2", "10.0.0.5", node="r2.z1")
    made = generator(*SHOP, far, second, config=rule("{outlierDetection: {}}"))
    near, away = (made.configuration(proxy_of(made, name)) for name in ("one", "far"))
    pairs = [pair for pair in zip(near.clusters, away.clusters, strict=True) if pair[0].get("type") == "EDS"]
    assert pairs
    assert all(ours is theirs for ours, theirs in pairs)
    assert near.endpoints != away.endpoints


def test_rule_that_selects_changes_only_those_it_selects() -> None:
    """A workloadSelector splits proxies of one scope into two kinds."""
    selecting = rule("{loadBalancer: {simple: RANDOM}}", more=", workloadSelector: {matchLabels: {app: one}}")
    made = generator(*SHOP, config=selecting)
    first, second = (made.configuration(proxy_of(made, name)) for name in ("one", "two"))
    differing = [ours["name"] for ours, theirs in zip(first.clusters, second.clusters, strict=True) if ours != theirs]
    assert differing == ["outbound|80||web.shop.svc.cluster.local"]


def test_generation_is_deterministic() -> None:
    """Two snapshots of the same manifests give equal configurations."""
    first, second = (generator(*SHOP, config=CONFIG) for _ in range(2))
    assert first.configuration(proxy_of(first, "one")) == second.configuration(proxy_of(second, "one"))


def test_order_of_manifests_does_not_matter() -> None:
    """Objects may come in any order."""
    forwards, backwards = generator(*SHOP, config=CONFIG), generator(*reversed(SHOP), config=CONFIG)
    assert forwards.configuration(proxy_of(forwards, "one")) == backwards.configuration(proxy_of(backwards, "one"))
