import pytest

from simulator.model.names import ClusterName, host_matches, host_subset_of, more_specific, resolve_short_name


@pytest.mark.parametrize(
    ("text", "port", "subset", "host"),
    [
        ("outbound|80|v1|web.shop.svc.cluster.local", 80, "v1", "web.shop.svc.cluster.local"),
        ("outbound_.80_._.web.shop.svc.cluster.local", 80, "", "web.shop.svc.cluster.local"),
        ("inbound|8080||", 8080, "", ""),
    ],
)
def test_cluster_names_are_read_in_both_spellings(text: str, port: int, subset: str, host: str) -> None:
    """A name of istiod's is read from a cluster or from SNI, and written as it was."""
    name = ClusterName.parse(text)
    assert name is not None
    assert (name.port, name.subset, name.host) == (port, subset, host)
    assert text in (str(name), name.dns_san)


@pytest.mark.parametrize("text", ["BlackHoleCluster", "outbound|http||web", "a|1|b", ""])
def test_other_clusters_have_no_such_name(text: str) -> None:
    """Names that istiod does not derive from a service are not read as if it did."""
    assert ClusterName.parse(text) is None


@pytest.mark.parametrize(
    ("pattern", "host", "overlap", "within"),
    [
        ("a.example", "a.example", True, True),
        ("*.example", "a.example", True, True),
        ("a.example", "*.example", True, False),
        ("*.example", "*.b.example", True, True),
        ("*.b.example", "*.example", True, False),
        ("*", "a.example", True, True),
        ("*.example", "example", False, False),
        ("*.example", "a.other", False, False),
    ],
)
def test_hosts_overlap_and_contain_each_other(pattern: str, host: str, overlap: bool, within: bool) -> None:
    """Two hosts overlap when some name is both; one lies within another when all of its names do."""
    assert host_matches(pattern, host) is host_matches(host, pattern) is overlap
    assert host_subset_of(host, pattern) is within


def test_specific_hosts_come_first() -> None:
    """Exact hosts come before wildcards, longer ones before shorter ones."""
    assert sorted(["*", "*.b", "b", "*.a.b", "a.b"], key=more_specific) == ["a.b", "b", "*.a.b", "*.b", "*"]


@pytest.mark.parametrize(
    ("host", "full"),
    [("web", "web.shop.svc.cluster.local"), ("web.shop", "web.shop"), ("*", "*"), ("", "")],
)
def test_short_names_belong_to_the_namespace(host: str, full: str) -> None:
    """A host without dots is a service beside the rule that names it; any other stands for itself."""
    assert resolve_short_name(host, namespace="shop") == full
