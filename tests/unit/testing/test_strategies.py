"""Laws that users can state with the strategies."""

from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from simulator.testing.generated import MeshPlan, ServicePlan, manifests
from simulator.testing.meshes import TestMesh
from simulator.testing.strategies import meshes, requests, senders

BASE = Path(__file__).parents[3] / "examples" / "shop" / "base"


@cache
def shop() -> TestMesh:
    """Simulate the example."""
    return TestMesh.from_manifests(str(BASE))


QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(data=st.data())
def test_nobody_in_the_shop_reaches_the_ledger(data: st.DataObject) -> None:
    """A policy of the example holds for any sender of a namespace and any request."""
    sender, request = data.draw(senders(shop(), namespaces=["shop"])), data.draw(requests(shop(), to="payments/ledger"))
    answer = shop().trace(sender, request)
    assert not answer.delivered, answer


def test_requests_meet_rules_that_chance_would_miss() -> None:
    """Some drawn request carries the header that only one rule asks for."""
    found = find(
        requests(shop(), to="shop/catalog"), lambda request: shop().trace("shop/web", request).rule.endswith("match[0]")
    )
    assert found.headers


@QUICK
@given(mesh=meshes(), data=st.data())
def test_every_question_to_a_drawn_mesh_has_an_answer(mesh: TestMesh, data: st.DataObject) -> None:
    """A drawn mesh is simulated whole: no request ends in what is not simulated, and splits add up."""
    answer = mesh.trace(data.draw(senders(mesh)), data.draw(requests(mesh)))
    assert answer.disposition not in ("not-simulated", "unreadable-configuration"), answer
    assert not answer.split or abs(sum(answer.split.values()) - 100) < 0.01, answer


def test_a_drawn_mesh_gets_the_policy_under_test() -> None:
    """`extra` is part of every drawn mesh."""
    policy = "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
    policy += "metadata: {name: nothing, namespace: istio-system}\nspec: {}\n"

    @QUICK
    @given(mesh=meshes(services=2, extra=policy), data=st.data())
    def holds(mesh: TestMesh, data: st.DataObject) -> None:
        workloads = {each for each in mesh.workloads if not each.startswith("istio-system/")}
        sender = data.draw(st.sampled_from(sorted(workloads)))
        answer = mesh.trace(sender, data.draw(requests(mesh)))
        proxied = answer.trace.destination and len(answer.trace.hops) == 2
        assert not (answer.delivered and proxied), answer

    holds()


def test_plans_are_readable_manifests() -> None:
    """The same plan is the same text, and names what it plans."""
    plan = MeshPlan(services=(ServicePlan(name="web", namespace="shop", versions=2, canary=10, routed_path="/"),))
    mesh = TestMesh.from_manifests(yaml=manifests(plan))
    mesh.trace("shop/web-v1", "http://web").assert_split({"shop/web:v1": 90, "shop/web:v2": 10})
