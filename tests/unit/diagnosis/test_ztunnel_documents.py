"""The JSON of ztunnel-config: the fields that istioctl knows, in the form of its client."""

from kubectl_mesh.diagnosis import ztunnel
from kubectl_mesh.reports.ztunnel import POLICY, SERVICE, WORKLOAD


def test_pointers_are_printed_even_when_empty() -> None:
    """A waypoint and a load balancer that are there are printed with their zeros; empty lists are not."""
    found = SERVICE.document({"name": "a", "waypoint": {}, "loadBalancer": {"mode": "Strict"}, "subjectAltNames": []})
    assert found["waypoint"] == {"destination": ""}
    assert found["loadBalancer"] == {"mode": "Strict", "routingPreferences": None, "healthPolicy": ""}
    assert "subjectAltNames" not in found


def test_blocks_of_addresses_have_one_spelling() -> None:
    """Blocks written as objects by some ztunnels are printed as others write them."""
    found = SERVICE.document({"cidrVips": [{"network": "n", "cidr": "10.0.0.0/8"}, "/fd00::/8"]})
    assert found["cidrVips"] == ["n/10.0.0.0/8", "/fd00::/8"]


def test_matches_of_policies_keep_what_is_known() -> None:
    """Fields that istioctl does not know are left out of the matches of a policy, at any depth."""
    match = {"principals": [{"Exact": "a", "later": 1}, {"Presence": {}}], "sourceIps": [], "later": [1]}
    found = POLICY.document({"name": "p", "rules": [[[match]]]})
    assert found["rules"] == [[[{"principals": [{"Exact": "a"}, {"Presence": {}}]}]]]


def test_ports_of_tunnels_are_printed_when_zero() -> None:
    """An application tunnel's port is shown; without a tunnel there is none."""
    assert WORKLOAD.document({"applicationTunnel": {"port": 0}})["applicationTunnel"] == {"protocol": "", "port": 0}


def test_the_last_workload_of_an_identifier_counts() -> None:
    """Of two workloads with one identifier, the later says whether the endpoint is healthy."""
    workloads = [{"uid": "u", "status": "Healthy"}, {"uid": "u", "status": "Unhealthy"}]
    dump = ztunnel.ZtunnelDump(
        workloads=workloads,
        services=[{"name": "s", "endpoints": {"e": {"workloadUid": "u"}}}],
        policies=[],
        certificates=[],
        states=[],
    )
    assert ztunnel.services(dump).rows[0].endpoints == "0/1"
