"""Changes to an ambient mesh, which reach ztunnels and waypoints, and no sidecar."""

from pathlib import Path

from kubectl_mesh.plan.changes import compare
from kubectl_mesh.reports.changes import Changes
from kubectl_mesh.sources.simulated import open_change
from tests.unit.diagnosis.ambient import AMBIENT, WAYPOINT


def changes(folder: Path, old: str, new: str) -> Changes:
    """Compare the ambient mesh with itself after `old` is replaced by `new`."""
    text = f"{AMBIENT}---\n{WAYPOINT}"
    assert old in text
    (folder / "before.yaml").write_text(text)
    (folder / "after.yaml").write_text(next(part for part in text.split("---\n") if old in part).replace(old, new))
    before, after = open_change(
        [str(folder / "before.yaml")], demo=False, apply=[str(folder / "after.yaml")], delete=[]
    )
    return compare(before, after)


def test_a_policy_of_ztunnels_changes_who_is_served(tmp_path: Path) -> None:
    """A policy that no Envoy holds is a change of every ztunnel, and its requests are found."""
    found = changes(tmp_path, "namespaces: [shop]", "namespaces: [other]")
    assert {(each.kind, each.name) for each in found.resources} == {("policy", "shop/allow")}
    assert all(name.startswith("ztunnel-") for name in found.proxies_changed)
    (request,) = found.requests
    assert (request.before.disposition, request.after.disposition) == ("delivered", "denied")
    assert request.request == "GET http://web.shop.svc.cluster.local/"


def test_a_policy_of_a_waypoint_changes_who_is_served(tmp_path: Path) -> None:
    """Requests to the services behind a waypoint are compared when its listener changes."""
    found = changes(tmp_path, "methods: [GET]", "methods: [PUT]")
    assert {(each.kind, each.name) for each in found.resources} == {("listener", "main_internal")}
    ends = {each.request: (each.before.disposition, each.after.disposition) for each in found.requests}
    assert ends["GET http://api.shop.svc.cluster.local/"] == ("delivered", "denied")


def test_a_service_that_leaves_its_waypoint_is_reached_directly(tmp_path: Path) -> None:
    """The ztunnels' data about a service decides the path, and the waypoint's routes are unused."""
    found = changes(tmp_path, "istio.io/use-waypoint: way", "istio.io/use-waypoint: none")
    assert ("service", "shop/api.shop.svc.cluster.local") in {(each.kind, each.name) for each in found.resources}
    (request,) = found.requests
    assert request.before.destination == "api.shop.svc.cluster.local:80"
    assert request.after.destination == "shop/api"
