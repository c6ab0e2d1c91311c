"""Routes of a dump are attributed to the rule from which they were made, where it can be known."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from kubectl_mesh.diagnosis.attribution import attributed
from kubectl_mesh.diagnosis.trace import source_of
from kubectl_mesh.sources.simulated import SimulatedMesh
from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from simulator.model.proxies import Direction, ProxyId
from simulator.model.requests import Request
from simulator.model.resources import ObjectRef, Provenance
from simulator.model.traces import Disposition, Hop, Step, StepKind, Trace, Verdict
from simulator.model.wire import Json, Sourced

CONFIG = "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/cart"
CART = ObjectRef(kind="VirtualService", namespace="shop", name="cart")
VERDICT = Verdict(disposition=Disposition.DELIVERED)


class Documents(SimulatedMesh):
    """A source that holds Envoy's documents, and expects the routes it is given."""

    def __init__(self, *routes: Json, inline: bool = False) -> None:
        super().__init__(Mesh.from_resources(parse_manifests("")))
        self._configuration = {"name": "80", "virtual_hosts": [{"name": "cart:80", "routes": list(routes)}]}
        self._inline = inline

    def expected(self, proxy: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return the route configuration, of its own or as part of a listener."""
        if not self._inline:
            return {"routes": [self._configuration]}
        chain = {"filters": [{"typed_config": {"route_config": self._configuration}}]}
        return {"listeners": [{"filter_chains": [chain]}]}


def made(rule: int, prefix: str, **action: Any) -> Json:
    """Return a route as the generator makes it of a rule."""
    metadata = {"filter_metadata": {"istio": {"config": CONFIG}}}
    route = {"match": {"prefix": prefix}, "route": action, "metadata": metadata}
    return Sourced(route, Provenance(ref=CART, path=("spec", "http", rule)))


def rule_of(source: Documents, route: Json) -> str:
    """Return the field that a trace over a route names."""
    steps = (
        Step(kind=StepKind.ROUTE_CONFIGURATION, chosen="80", because=""),
        Step(kind=StepKind.VIRTUAL_HOST, chosen="cart:80", because=""),
        Step(kind=StepKind.ROUTE, chosen="default", because="", document=route),
    )
    hop = Hop(proxy=ProxyId("web", "shop"), direction=Direction.OUTBOUND, steps=steps, verdict=VERDICT)
    trace = Trace(request=Request(), hops=(hop,), disposition=Disposition.DELIVERED, verdict=VERDICT)
    step = attributed(source, trace).hops[0].step(StepKind.ROUTE)
    found = source_of(step.document if step else None, lambda ref, path: "")
    return found.field if found is not None else "nothing"


@pytest.mark.parametrize("inline", [False, True], ids=["delivered on its own", "part of a listener"])
def test_equal_routes_are_of_the_same_rule(inline: bool) -> None:
    """Rules with equal matches are distinguished by what they do, in any spelling."""
    source = Documents(made(0, "/", cluster="a"), made(1, "/", cluster="b", timeout="15s"), inline=inline)
    assert rule_of(source, dict(made(9, "/", cluster="b", timeout="15.000s"))) == "spec.http[1]"


def test_a_rule_that_changed_since_is_known_by_what_it_matches() -> None:
    """A proxy that still has the old destination of a rule has its route attributed to that rule."""
    source = Documents(made(0, "/items", cluster="a"), made(1, "/", cluster="b"))
    assert rule_of(source, dict(made(9, "/", cluster="old"))) == "spec.http[1]"


def test_what_nothing_expects_keeps_its_own_name() -> None:
    """A removed rule is not mistaken for another: the VirtualService in the document is named, without a rule."""
    source = Documents(made(0, "/items", cluster="a"))
    assert rule_of(source, dict(made(9, "/gone", cluster="a"))) == ""
    assert rule_of(source, {"match": {"prefix": "/"}, "route": {"cluster": "a"}}) == "nothing"
