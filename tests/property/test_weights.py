"""Law: the shares of a request's clusters are 100 per cent together, whichever of them is drawn."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.testing.meshes import TestMesh
from simulator.testing.strategies import meshes, requests, senders


@settings(max_examples=settings().max_examples // 5)
@given(meshes(), st.data())
def test_shares_are_a_hundred_per_cent(mesh: Any, data: st.DataObject) -> None:
    """At every hop that forwards, the shares sum to 100 and the chosen cluster has one."""
    assert isinstance(mesh, TestMesh)
    trace = mesh.trace(data.draw(senders(mesh)), data.draw(requests(mesh))).trace
    for hop in trace.hops:
        if hop.forwarded is not None and hop.forwarded.shares:
            assert sum(share.percent for share in hop.forwarded.shares) == pytest.approx(100)
            assert hop.forwarded.cluster in {share.cluster for share in hop.forwarded.shares}
