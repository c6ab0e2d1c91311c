"""The output of `trace -o json` conforms to its schema."""

import json
from importlib.resources import files
from typing import Any

import jsonschema

from kubectl_mesh.diagnosis.trace import report
from kubectl_mesh.render.structured import document
from simulator.model.directory import Directory
from simulator.model.proxies import Direction, ProxyId
from simulator.model.requests import Request
from simulator.model.traces import (
    Disposition,
    Forwarded,
    Hop,
    Rejected,
    Share,
    Step,
    StepKind,
    Trace,
    Verdict,
)

REQUEST = Request(host="cart", target="/items", headers=(("end-user", "jason"),), random=0.5)


def schema() -> dict[str, Any]:
    """Read the schema from the package."""
    found: dict[str, Any] = json.loads((files("kubectl_mesh") / "schemas" / "trace.schema.json").read_text())
    return found


def trace_of(disposition: Disposition) -> Trace:
    """Return a trace that uses every field."""
    verdict = Verdict(disposition=disposition, status=200, details="via_upstream")
    rejected = (Rejected(name="route 0", because="path starts with /b"),)
    steps = tuple(
        Step(kind=kind, chosen="x", because="y", rejected=rejected, details={"timeout": "1s"}, index=1)
        for kind in StepKind
    )
    share = Share(cluster="outbound|80||cart", percent=100.0)
    forwarded = Forwarded(
        cluster="outbound|80||cart", shares=(share,), address="10.0.0.1", port=80, request=REQUEST, mirrors=(share,)
    )
    hop = Hop(
        proxy=ProxyId("web-1", "shop"),
        direction=Direction.OUTBOUND,
        steps=steps,
        verdict=verdict,
        forwarded=forwarded,
        notes=("assumed",),
    )
    return Trace(
        request=REQUEST,
        hops=(hop,),
        disposition=disposition,
        verdict=verdict,
        source="web-1.shop",
        destination="cart-1.shop",
        steps=steps,
        arrival=steps,
        notes=("assumed",),
    )


def test_every_disposition_and_step_is_in_the_schema() -> None:
    """A trace of any end, with steps of every kind, is valid."""
    checker = jsonschema.Draft202012Validator(schema())
    for disposition in Disposition:
        found = report(trace_of(disposition), directory=Directory(), url="http://cart/items", from_="web")
        checker.validate(json.loads(json.dumps(document("Trace", found))))


def test_schema_itself_is_valid() -> None:
    """The schema is a schema, and describes every property."""
    found = schema()
    jsonschema.Draft202012Validator.check_schema(found)
    for definition in found["$defs"].values():
        assert all(each.get("description") for each in definition["properties"].values())
