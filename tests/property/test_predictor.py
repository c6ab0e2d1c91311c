"""Laws of the predictor: what holds for any configuration and any request."""

import copy
import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.envoy.config import Config
from simulator.envoy.normalize import normalize
from simulator.envoy.proxy import decide
from simulator.model.directory import Backend, Directory, ServiceRecord, Workload
from simulator.model.proxies import Direction, ProxyId, Role
from simulator.model.requests import Request, Tls, Wire
from simulator.model.traces import Disposition, StepKind, Trace
from simulator.traffic.follow import follow
from tests.conformance.schemas import RESOURCE_TYPES

SCENARIOS = Path(__file__).parents[1] / "conformance" / "scenarios"
LAW = settings(deadline=None, suppress_health_check=list(HealthCheck))
"""How many examples there are is the profile's: a sample in `make test`, many in `make truth`."""

USED = (
    "vs-weights",
    "vs-redirects",
    "authz-allow-deny",
    "gw-https",
    "waypoint-service",
    "vs-faults",
    "locality-failover-distribute",
)


@cache
def documents() -> tuple[dict[str, Any], ...]:
    """Return recorded proxies of several kinds."""
    found = [path for name in USED for path in sorted((SCENARIOS / name / "proxies").glob("*.json.gz"))]
    if not found:
        pytest.skip("no recorded scenarios here")
    return tuple(json.loads(gzip.decompress(path.read_bytes())) for path in found)


def names(document: dict[str, Any]) -> list[str]:
    """Return hosts that a proxy's routes name, and some that none does."""
    hosts = [
        domain
        for route in document.get("routes") or ()
        for host in route.get("virtualHosts") or ()
        for domain in host.get("domains") or ()
    ]
    return sorted({*hosts, "unknown.test", "", "a b", "[::1]:80"})


@st.composite
def requests(draw: st.DrawFn, document: dict[str, Any]) -> Request:
    """Draw a request that has something to do with a proxy."""
    ports = [80, 443, 8080, 15006, 15021, 9999]
    pieces = st.sampled_from(["/", "api", "..", "%2e", "//", "?a=1", "%00", "x", "#f", "\\", "é"])
    host = draw(st.sampled_from(names(document)))
    return Request(
        host=host.replace("*", "x"),
        port=draw(st.sampled_from(ports)),
        method=draw(st.sampled_from(["GET", "POST", "OPTIONS", "CONNECT", "get", ""])),
        target=draw(st.lists(pieces, max_size=5).map(lambda parts: "/" + "".join(parts))),
        headers=tuple(
            draw(
                st.lists(
                    st.tuples(st.sampled_from(["x-a", "Cookie", "Upgrade", "Connection", "Host"]), st.text(max_size=5)),
                    max_size=3,
                )
            )
        ),
        wire=draw(st.sampled_from(Wire)),
        tls=draw(st.sampled_from(Tls)),
        sni=host,
        alpn=draw(st.sampled_from([(), ("h2",), ("istio",), ("http/1.1",)])),
        identity="spiffe://cluster.local/ns/shop/sa/web",
        source_ip=draw(st.sampled_from(["", "10.0.0.1", "127.0.0.1", "no address"])),
        destination_ip=draw(st.sampled_from(["", "10.96.1.3", "10.244.0.11", "::1", "no address"])),
        random=draw(st.none() | st.floats(0, 1, exclude_max=True)),
    )


@st.composite
def asked(draw: st.DrawFn) -> tuple[dict[str, Any], Request, Direction]:
    """Draw a recorded proxy, a request, and a direction."""
    document = draw(st.sampled_from(documents()))
    return document, draw(requests(document)), draw(st.sampled_from(Direction))


JUNK = st.sampled_from(
    [None, 0, -1, 2**70, 1.5, True, "", "text", "NaN", [], {}, [[]], {"a": {"b": []}}, "10s", ["x"], [{}]]
).map(copy.deepcopy)


def mangle(draw: st.DrawFn, document: Any) -> None:
    """Replace, drop or add something somewhere in a document."""
    place = document
    for _ in range(draw(st.integers(1, 9))):
        keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, (dict, list)) or not inner:
            place[key] = draw(JUNK)
            return
        place = inner
    if isinstance(place, dict) and place:
        key = draw(st.sampled_from(list(place)))
        if draw(st.booleans()):
            del place[key]
        else:
            place[key] = draw(JUNK)
    elif isinstance(place, list):
        place.append(draw(JUNK))


@st.composite
def mangled(draw: st.DrawFn) -> tuple[dict[str, Any], Request, Direction]:
    """Draw a proxy with some of its resources damaged, and a request."""
    original, request, direction = draw(asked())
    document = {kind: list(items) if isinstance(items, list) else items for kind, items in original.items()}
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([kind for kind in RESOURCE_TYPES if document.get(kind)]))
        position = draw(st.integers(0, len(document[kind]) - 1))
        document[kind][position] = copy.deepcopy(document[kind][position])
        mangle(draw, document[kind][position])
    return document, request, direction


@LAW
@given(mangled())
def test_damage_never_ends_in_an_exception(question: tuple[dict[str, Any], Request, Direction]) -> None:
    """Whatever a configuration holds, the prediction is a hop, at worst one that says what is unreadable."""
    document, request, direction = question
    hop = decide(document, request, direction)
    assert isinstance(hop.verdict.disposition, Disposition)


@LAW
@given(asked())
def test_shares_add_up(question: tuple[dict[str, Any], Request, Direction]) -> None:
    """The shares of all clusters a request could go to are 100 per cent together, and the chosen one is among them."""
    hop = decide(Config.read(question[0]), *question[1:])
    if hop.forwarded is not None:
        assert sum(share.percent for share in hop.forwarded.shares) == pytest.approx(100.0)
        assert hop.forwarded.cluster in {share.cluster for share in hop.forwarded.shares}


@LAW
@given(asked())
def test_a_prediction_is_a_function(question: tuple[dict[str, Any], Request, Direction]) -> None:
    """The same question has the same answer, however often the configuration is read."""
    assert decide(question[0], *question[1:]) == decide(Config.read(question[0]), *question[1:])


def workloads(document: dict[str, Any]) -> Iterator[Workload]:
    """Yield a client with this configuration, a server with it, and a pod without a proxy."""
    proxy = ProxyId("client", "shop")
    yield Workload(
        name="client", namespace="shop", addresses=("10.244.0.1",), proxy=proxy, role=Role.SIDECAR, identity="i"
    )
    yield Workload(name="server", namespace="shop", addresses=("10.244.0.11",), proxy=proxy, role=Role.SIDECAR)
    yield Workload(name="plain", namespace="shop", addresses=("10.244.0.12", "10.244.0.13"))


def traced(question: tuple[dict[str, Any], Request, Direction], source: str | None) -> Trace:
    """Follow a request through a small mesh in which every proxy has the same configuration."""
    document, request, _ = question
    members = tuple(workloads(document))
    service = ServiceRecord(
        host="web.shop.svc.cluster.local", namespace="shop", addresses=("10.96.1.3",),
        backends={80: (Backend(address="10.244.0.12", port=8080), Backend(address="10.244.0.11", port=8, ready=False))},
    )  # fmt: skip
    directory = Directory(services={service.host: service}, workloads=members)
    config = Config.read(document)
    origin = next((one for one in members if one.name == source), None)
    return follow(directory, lambda proxy: config, request, origin)


@LAW
@given(asked(), st.sampled_from(["client", "plain", None]))
def test_delivered_means_that_an_endpoint_was_chosen(
    question: tuple[dict[str, Any], Request, Direction], source: str | None
) -> None:
    """A request is delivered exactly when the last step of its trace chose an endpoint."""
    trace = traced(question, source)
    last = trace.last_step
    chose = last is not None and last.kind is StepKind.ENDPOINT and last.chosen != "none"
    assert trace.disposition.is_delivered == chose, (trace.disposition, last)


@cache
def resources() -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return recorded resources with the name of their message type."""
    return tuple(
        (message, resource)
        for document in documents()[:6]
        for kind, message in RESOURCE_TYPES.items()
        for resource in document.get(kind) or ()
        if kind != "extensions"
    )


@LAW
@given(st.data())
def test_normalising_twice_is_normalising_once(data: st.DataObject) -> None:
    """A normal form is its own normal form, also that of a damaged document."""
    message, resource = data.draw(st.sampled_from(resources()))
    resource = copy.deepcopy(resource)
    if data.draw(st.booleans()):
        mangle(data.draw, resource)
    for ordered in (True, False):
        once = normalize(resource, message, ordered=ordered)
        assert normalize(once, message, ordered=ordered) == once
