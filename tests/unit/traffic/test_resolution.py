"""The address that a client gets for a name."""

import pytest

from simulator.traffic.resolution import resolve
from tests.unit.traffic.small_mesh import directory


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("web", ("10.96.0.2",)),
        ("web.shop", ("10.96.0.2",)),
        ("web.shop.svc", ("10.96.0.2",)),
        ("WEB.shop.svc.cluster.local.", ("10.96.0.2",)),
        ("alias", ("10.96.0.2",)),
        ("db", ("10.1.0.2",)),
        ("web-1.db", ("10.1.0.2",)),
        ("[::1]", ("::1",)),
        ("given.test", ("203.0.113.9",)),
    ],
)
def test_names_of_the_cluster_have_addresses(host: str, addresses: tuple[str, ...]) -> None:
    """Short names, aliases, headless services and their pods resolve as in a pod of the namespace."""
    known = directory(resolve={"given.test": "203.0.113.9"})
    found = resolve(known, host, port=80, client=known.workloads[0])
    assert found.addresses == addresses


@pytest.mark.parametrize("host", ["nobody", "web.nowhere.svc", "x.svc.cluster.local", "web.istio-system"])
def test_names_the_cluster_should_know_are_missing(host: str) -> None:
    """A name under the cluster's domain, or of a namespace, is not found when there is no such service."""
    known = directory()
    assert not resolve(known, host, port=80, client=known.workloads[0]).found


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("web-9.db", "service db.shop.svc.cluster.local has no pod named web-9"),
        ("web-9.db.shop", "service db.shop.svc.cluster.local has no pod named web-9"),
        ("x.web", "service web.shop.svc.cluster.local is not headless: its pods have no names"),
    ],
)
def test_names_of_absent_pods_are_missing(host: str, reason: str) -> None:
    """A name below a service of the cluster is no public name, though its last label is no namespace's."""
    known = directory()
    found = resolve(known, host, port=80, client=known.workloads[0])
    assert (found.found, found.step.because) == (False, reason)


def test_other_names_are_left_to_public_dns() -> None:
    """Of a name outside the cluster nothing is known but that it may exist."""
    known = directory()
    found = resolve(known, "www.example.org", port=80, client=known.workloads[0])
    assert (found.public, found.addresses) == (True, ())


def test_a_proxy_that_answers_dns_uses_its_own_table() -> None:
    """With DNS capture the table of the proxy comes before cluster DNS."""
    table = {"api.test": ("240.240.0.1",), "*.wild.test": ("240.240.0.2",)}
    known = directory()
    for host, address in (("api.test", "240.240.0.1"), ("a.b.wild.test", "240.240.0.2")):
        found = resolve(known, host, port=80, client=known.workloads[0], table=table)
        assert (found.addresses, found.public) == ((address,), False)
