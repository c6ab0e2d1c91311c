"""A status that no controller would write is read as far as it goes."""

import pytest

from simulator.manifests.reading import parse_manifests
from simulator.manifests.service_entries import allocate_addresses

ENTRY = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: x, namespace: shop}
spec: {hosts: [a.test], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}
status: {addresses: ADDRESSES}
"""


@pytest.mark.parametrize("addresses", ["[null, {value: 240.240.0.9, host: a.test}]", "[{host: a.test}]", "text"])
def test_addresses_of_a_strange_form_stay(addresses: str) -> None:
    """Malformed addresses in a ServiceEntry's status are kept and break nothing."""
    [entry] = parse_manifests(ENTRY.replace("ADDRESSES", addresses), source="mesh.yaml")
    [allocated] = allocate_addresses([entry], flags={})
    assert allocated.status == entry.status
