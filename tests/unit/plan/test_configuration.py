from collections.abc import Mapping, Sequence

from kubectl_mesh.plan.configuration import Resources, compare_configurations
from kubectl_mesh.reports.changes import Action
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

WEB, CART = ProxyId("web", "shop"), ProxyId("cart", "shop")


class Mesh:
    """A source of Envoy resources made by hand."""

    def __init__(self, resources: Mapping[ProxyId, Mapping[str, Sequence[Json]]]) -> None:
        self._resources = resources

    def configuration(self, proxy: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return what the test put in."""
        return self._resources[proxy]


def cluster(name: str, timeout: str) -> Json:
    """Return a small cluster."""
    return {"name": name, "connect_timeout": timeout}


def test_a_mesh_does_not_differ_from_an_equal_one() -> None:
    """Equality counts, not identity."""
    before = Mesh({WEB: {"clusters": [cluster("a", "1s")]}})
    after = Mesh({WEB: {"clusters": [cluster("a", "1s")]}})
    assert compare_configurations(before.configuration, after.configuration, [WEB]) == ((), ())


def test_one_change_on_many_proxies_is_shown_once() -> None:
    """A shared cluster that changes is one change with both proxies on it."""
    old, new, other = cluster("a", "1s"), cluster("a", "2s"), cluster("b", "1s")
    before = Mesh({WEB: {"clusters": [old, other]}, CART: {"clusters": [old]}})
    after = Mesh({WEB: {"clusters": [new, other]}, CART: {"clusters": [cluster("a", "2s")]}})
    changes, proxies = compare_configurations(before.configuration, after.configuration, [WEB, CART])
    assert [(c.kind, c.name, c.action, c.proxies) for c in changes] == [
        ("cluster", "a", Action.CHANGED, ("cart.shop", "web.shop"))
    ]
    assert set(proxies) == {WEB, CART}


def test_what_only_one_side_has_is_added_or_removed() -> None:
    """Names decide: a resource without a namesake was added or removed."""
    before = Mesh({WEB: {"listeners": [{"name": "old"}]}})
    after = Mesh({WEB: {"listeners": [{"name": "new"}]}})
    changes, _ = compare_configurations(before.configuration, after.configuration, [WEB])
    assert [(c.name, c.action) for c in changes] == [("new", Action.ADDED), ("old", Action.REMOVED)]


def test_what_differs_from_the_proxy_before_is_seen_on_either_side() -> None:
    """Proxies that share all but one resource, of either mesh, are each distinguished."""
    old, new = ([{"name": name, "version": 1} for name in "ab"] for _ in range(2))
    changed = {"name": "b", "version": 2}
    lists = [(old, new), (old, [new[0], changed]), ([old[0], changed], new), (old[:1], new[:1]), (old, new)]
    names = [ProxyId(str(number), "shop") for number in range(len(lists))]

    def side(index: int) -> Resources:
        return lambda proxy: {"clusters": lists[int(proxy.name)][index]}

    _, differing = compare_configurations(side(0), side(1), names)
    assert differing == (names[1], names[2])
