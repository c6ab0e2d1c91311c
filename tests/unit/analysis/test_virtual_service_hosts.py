from tests.unit.analysis import codes, found, resource

NAME = "virtualservice.ConflictingMeshGatewayHostsAnalyzer"
GATEWAYS = "mesh.GatewayRouteConflicts"
TO = "route: [{destination: {host: web}}]"


def _service(name: str, *, rules: str = f"{{{TO}}}", more: str = "", namespace: str = "shop", created: str = "") -> str:
    metadata = f", creationTimestamp: '{created}'" if created else ""
    spec = f"{{hosts: [web.shop.svc.cluster.local]{more}, http: [{rules}]}}"
    return resource("VirtualService", name, spec, namespace=namespace, more=metadata)


def _path(prefix: str) -> str:
    return f"{{match: [{{uri: {{prefix: {prefix}}}}}], {TO}}}"


def test_two_rules_for_one_host_of_the_mesh_conflict() -> None:
    """Both VirtualServices are named, at both."""
    assert codes(NAME, _service("a"), _service("b")) == ["IST0109 a", "IST0109 b"]


def test_rules_private_to_different_namespaces_get_along() -> None:
    """VirtualServices that no namespace sees together do not conflict (a former false positive)."""
    assert codes(NAME, _service("a", more=", exportTo: [dev]"), _service("b", more=", exportTo: [ops]")) == []


def test_a_private_rule_conflicts_with_a_public_one() -> None:
    """A rule for everybody is seen next to one for a namespace."""
    assert codes(NAME, _service("a", more=", exportTo: [dev]"), _service("b")) == ["IST0109 a", "IST0109 b"]


def test_rules_of_a_gateway_are_not_rules_of_the_mesh() -> None:
    """Rules of gateways are joined, and not judged here."""
    bound = ", gateways: [front]"
    assert codes(NAME, _service("a", more=bound), _service("b", more=bound)) == []


def test_two_catch_alls_of_one_gateway_conflict() -> None:
    """Of two rules without match on one host of one gateway, one never counts."""
    bound = ", gateways: [front]"
    assert codes(GATEWAYS, _service("a", more=bound), _service("b", more=bound)) == ["KM0001 b"]


def test_different_paths_of_one_host_get_along_on_a_gateway() -> None:
    """istiod joins the rules of several VirtualServices on a gateway; those for different requests are fine."""
    bound = ", gateways: [front]"
    first, second = _service("a", more=bound, rules=_path("/a")), _service("b", more=bound, rules=_path("/b"))
    assert codes(GATEWAYS, first, second, _service("c", more=bound)) == []


def test_without_timestamps_nested_paths_depend_on_the_order() -> None:
    """Files have no timestamps, so that which rule comes first is open."""
    bound = ", gateways: [front]"
    first, second = _service("a", more=bound, rules=_path("/a")), _service("b", more=bound, rules=_path("/a/b"))
    assert codes(GATEWAYS, first, second) == ["KM0002 b"]
    assert codes(GATEWAYS, second, first) == ["KM0002 b"]


def test_with_timestamps_the_older_rule_counts() -> None:
    """Where the wider rule is older the narrower one never counts; where it is younger all is well."""
    bound = ", gateways: [front]"
    old, young = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    wide = _service("a", more=bound, rules=_path("/a"), created=old)
    narrow = _service("b", more=bound, rules=_path("/a/b"), created=young)
    assert codes(GATEWAYS, wide, narrow) == ["KM0001 b"]
    wide = _service("a", more=bound, rules=_path("/a"), created=young)
    narrow = _service("b", more=bound, rules=_path("/a/b"), created=old)
    assert codes(GATEWAYS, wide, narrow) == []


def test_a_gateway_conflict_shows_a_request() -> None:
    """The witness is a request that both rules take."""
    bound = ", gateways: [front]"
    given = found(GATEWAYS, _service("a", more=bound), _service("b", more=bound))
    assert "host web.shop.svc.cluster.local on gateway shop/front" in given[0]
