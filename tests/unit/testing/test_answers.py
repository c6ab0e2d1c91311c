"""The messages of users' assertions."""

from pathlib import Path

import pytest

from simulator.model.errors import SimulatorError
from simulator.testing.meshes import TestMesh

SHOP = Path(__file__).parents[3] / "examples" / "shop"
CATALOG = "http://catalog.shop/items"


@pytest.fixture(scope="module")
def shop() -> TestMesh:
    """Simulate the example."""
    return TestMesh.from_manifests(str(SHOP / "base"))


def test_an_answer_has_the_parts_that_tests_compare(shop: TestMesh) -> None:
    """Service, subset, split, rule, workload and encryption are plain values."""
    answer = shop.trace("shop/deploy/web", CATALOG, headers={"X-Shop-Tester": "true"})
    answer.assert_delivered(to="shop/catalog", subset="v2")
    answer.assert_delivered(to="shop/catalog-v2")
    answer.assert_mutual_tls()
    assert answer.rule == "VirtualService/shop/catalog spec.http[0].match[0]"
    assert (answer.status, answer.path) == (200, "/items")
    shop.trace("shop/web", CATALOG).assert_split({"shop/catalog:v1": 90, "shop/catalog:v2": 10})
    shop.trace("shop/cart", "http://checkout.payments/v1/payments/7").assert_denied()


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (lambda answer: answer.assert_denied(), "expected the request to be denied"),
        (lambda answer: answer.assert_delivered(to="shop/cart"), "expected it to go to shop/cart, not shop/catalog"),
        (lambda answer: answer.assert_delivered(subset="v2"), "expected subset v2, not v1"),
        (lambda answer: answer.assert_split({"shop/catalog:v1": 100}), "expected a split of"),
        (lambda answer: answer.assert_disposition("no-route"), "expected disposition no-route, not delivered"),
    ],
)
def test_a_failing_assertion_explains(shop: TestMesh, check: object, said: str) -> None:
    """The message has what was expected, then every decision with the line it comes from."""
    answer = shop.trace("shop/web", CATALOG, random=0)
    with pytest.raises(AssertionError) as caught:
        check(answer)  # type: ignore[operator]
    text = str(caught.value)
    assert text.startswith(said)
    assert "VirtualService/shop/catalog" in text
    assert "catalog-routes.yaml:" in text


def test_what_was_tried_in_vain_is_told(shop: TestMesh) -> None:
    """Rules before the one that decided, and rules that would have allowed, are listed with what they lack."""
    routed = str(shop.trace("shop/web", "http://catalog.shop/items"))
    assert "not testers: header x-shop-tester is true: it was not sent" in routed
    denied = str(shop.trace("shop/cart", "http://checkout.payments/v1/payments/7"))
    assert "not ns[payments]-policy[checkout]-rule[1]: source: needs identity is" in denied


def test_overlays_replace_and_texts_add() -> None:
    """A mesh is made of files, of files laid over them, and of YAML in the test."""
    mesh = TestMesh.from_manifests(str(SHOP / "base"), overlay=[str(SHOP / "change")])
    before = TestMesh.from_manifests(str(SHOP / "base"))
    words = ("shop/web", "http://catalog.shop/search")
    assert mesh.trace(*words).rule != before.trace(*words).rule
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ns}\n"
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: ns}\nspec: {ports: [{port: 80}]}\n"
    assert "s.ns.svc.cluster.local" in TestMesh.from_manifests(yaml=f"{namespace}---\n{service}").hosts


@pytest.mark.parametrize(
    ("sender", "url", "hint"),
    [
        ("shop/wbe", CATALOG, "did you mean shop/web?"),
        ("shop/web", "ftp://catalog", "schemes are http"),
        ("shop/web", "tcp://catalog", "write tcp://catalog:PORT"),
    ],
)
def test_a_wrong_question_says_what_to_write(shop: TestMesh, sender: str, url: str, hint: str) -> None:
    """A sender or a URL that cannot be understood is refused with what would be."""
    with pytest.raises(SimulatorError) as caught:
        shop.trace(sender, url)
    assert hint in caught.value.hint
