"""Law: a request is delivered exactly when an endpoint was chosen for it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.model.traces import StepKind
from simulator.testing.strategies import meshes, requests, senders


@settings(max_examples=settings().max_examples // 5)
@given(meshes(), st.data())
def test_delivered_means_that_an_endpoint_was_chosen(mesh: Any, data: st.DataObject) -> None:
    """A request ends delivered, and names where, exactly when the last step of its trace chose an endpoint."""
    trace = mesh.trace(data.draw(senders(mesh)), data.draw(requests(mesh))).trace
    last = trace.last_step
    chose = last is not None and last.kind is StepKind.ENDPOINT and last.chosen != "none"
    assert trace.disposition.is_delivered == chose == bool(trace.destination)
