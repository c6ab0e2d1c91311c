"""A real Envoy runs a proxy's configuration and answers requests; the prediction must be the same."""

import gzip
import http.client
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from simulator.envoy.config import Config
from simulator.envoy.connections import Connection
from simulator.envoy.documents import child, children, text, texts
from simulator.envoy.listener_filters import inspect
from simulator.envoy.listener_match import addresses
from simulator.envoy.proxy import enter
from simulator.model.requests import Request
from simulator.model.traces import Disposition, Step
from tests.e2e.envoy_copy import Copy, Json, copy_of, echo, envoy

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "tests" / "conformance" / "scenarios"
EXAMPLE = ROOT / "examples" / "shop" / "base"
RECORDED = (
    ("vs-weights", "ops__probe"),
    ("vs-rewrites", "ops__probe"),
    ("vs-redirects", "ops__probe"),
    ("vs-header-matches", "ops__probe"),
    ("gw-http", "ingress__edge"),
)
MOST_LISTENERS = 8
FORWARDED = (Disposition.DELIVERED, Disposition.PASSED_THROUGH, Disposition.NO_HEALTHY_ENDPOINT)
DROPPED = {
    "envoy.filters.http.grpc_stats",
    "envoy.filters.listener.original_dst",
    "istio.alpn",
    "istio.metadata_exchange",
    "istio.stats",
}
"""Every filter that may be left out of a copy; one that is not listed here has to be run, or named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The response: its status, and the request as a cluster's echo server saw it."""

    status: int
    location: str
    cluster: str
    path: str
    authority: str


def recorded(scenario: str, pod: str) -> Config:
    """Read one proxy of a recorded scenario, or skip."""
    found = sorted((SCENARIOS / scenario / "proxies").glob(f"{pod}-*.json.gz"))
    if not found:
        pytest.skip(f"scenario {scenario} is not recorded here")
    return Config.read(json.loads(gzip.decompress(found[0].read_bytes())))


def http_listeners(config: Config) -> list[str]:
    """Return the listeners that route plain HTTP, the richest first."""
    found: list[tuple[int, str]] = []
    for listener in config.listeners:
        if not any(addresses(listener)) or text(listener, "name").startswith("virtual"):
            continue
        routes = sum(len(list(questions(config, manager))) for manager in managers(listener))
        if routes:
            found.append((routes, text(listener, "name")))
    return [name for _, name in sorted(found, key=lambda pair: (-pair[0], pair[1]))][:MOST_LISTENERS]


def managers(listener: Json) -> Iterator[Json]:
    """Yield the HTTP connection managers of filter chains without TLS."""
    for chain in children(listener, "filter_chains"):
        for item in children(chain, "filters"):
            if text(item, "name").endswith("http_connection_manager") and "transport_socket" not in chain:
                yield child(item, "typed_config")


def questions(config: Config, manager: Json) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield host, path and headers aimed at every route, some of them near misses."""
    name = text(child(manager, "rds"), "route_config_name")
    configuration = config.routes.get(name, {}) if name else child(manager, "route_config")
    for host in children(configuration, "virtual_hosts"):
        domain = texts(host, "domains")[0].replace("*", "any.test")
        yield domain, "/no/such//path?x=%2F", {}
        for route in children(host, "routes"):
            match = child(route, "match")
            headers = {
                text(one, "name"): text(child(one, "string_match"), "exact") or "x"
                for one in children(match, "headers")
                if not text(one, "name").startswith(":")
            }
            path = text(match, "path") or text(match, "path_separated_prefix") or text(match, "prefix") or "/"
            bare = path.rstrip("/") or "/root"
            odd = ("/a/../b?q=1", "/a/..;v=1/b", "/%2e%2E/b", "%2Fb\\c", "/b//c?x=//")
            for variant in (path, f"{path}x", path.upper(), *(f"{bare}{tail}" for tail in odd)):
                yield domain, variant, headers
            yield domain, path, {**headers, "connection": "x-hop", "x-hop": "1"}
            yield domain, path, {**headers, "x-forwarded-proto": "HTTPS", "x-forwarded-for": "1.2.3.4, bad"}
            if headers:
                yield domain, path, {}


def ask(place: tuple[str, int], host: str, path: str, headers: dict[str, str], copy: Copy) -> Answer:
    """Send one request to a listener of the copy."""
    connection = http.client.HTTPConnection(*place, timeout=10)
    try:
        connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"host": host, **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        response.read()
        seen = json.loads(response.headers.get("x-seen") or "{}")
        return Answer(
            status=response.status,
            location=response.headers.get("location") or "",
            cluster=copy.echoes.get(seen.get("address", ""), ""),
            path=seen.get("path", ""),
            authority=seen.get("authority", ""),
        )
    finally:
        connection.close()


def predicted(config: Config, name: str, place: tuple[str, int], request: Request) -> tuple[Answer, set[str]]:
    """Return the prediction for a request to a listener, and all clusters it could go to."""
    listener = next(one for one in config.listeners if one["name"] == name)
    steps: list[Step] = []
    connection: Connection = inspect(listener, request).connection
    departure = enter(config, listener, connection, steps=steps)
    verdict, forwarded = departure.verdict, departure.forwarded
    if verdict.disposition not in FORWARDED or forwarded is None:
        status = verdict.status or 0
        return Answer(status=status, location=verdict.location, cluster="", path="", authority=""), set()
    sent = forwarded.request
    answer = Answer(status=200, location="", cluster=forwarded.cluster, path=sent.target, authority=sent.host_header)
    return answer, {share.cluster for share in forwarded.shares}


def compare(config: Config, folder: Path) -> int:
    """Run a copy of a proxy, ask it every question, and return how many were asked; fail on the first difference."""
    asked = 0
    with echo() as port:
        copy = copy_of(config, listeners=http_listeners(config), echo_port=port)
        assert copy.dropped <= DROPPED, f"left out without being named: {copy.dropped - DROPPED}"
        with envoy(copy.bootstrap, folder):
            for name, place in copy.places.items():
                listener = next(one for one in config.listeners if one["name"] == name)
                for host, path, headers in (q for m in managers(listener) for q in questions(config, m)):
                    request = Request(
                        host=host, port=next(addresses(listener))[1], authority=host, target=path,
                        headers=tuple(headers.items()), source_ip="127.0.0.1", destination_ip=place[0],
                    )  # fmt: skip
                    expected, clusters = predicted(config, name, place, request)
                    if _is_chance(config, listener, request):
                        continue
                    actual = ask(place, host, path, headers, copy)
                    if actual.cluster in clusters:
                        expected = replace(expected, cluster=actual.cluster)
                    assert actual == expected, f"{name}: {host}{path} {headers}"
                    asked += 1
    return asked


def _is_chance(config: Config, listener: Json, request: Request) -> bool:
    """Tell whether a fault decides by chance what happens to a request."""
    low, high = (
        enter(config, listener, inspect(listener, request_at(request, random)).connection, steps=[]).verdict.disposition
        for random in (0.0, 0.999999)
    )
    return low is not high


def request_at(request: Request, random: float) -> Request:
    """Return a request with chance decided."""
    return replace(request, random=random)


@pytest.mark.parametrize(("scenario", "pod"), RECORDED, ids=[scenario for scenario, _ in RECORDED])
def test_envoy_answers_as_predicted(scenario: str, pod: str, tmp_path: Path) -> None:
    """A real Envoy with a recorded proxy's configuration answers every request as predicted."""
    assert compare(recorded(scenario, pod), tmp_path) > 10


def test_envoy_answers_for_the_example_mesh_as_predicted(tmp_path: Path) -> None:
    """A real Envoy with the generated configuration of the example mesh answers every request as predicted."""
    if not any(EXAMPLE.rglob("*.yaml")):
        pytest.skip("the example mesh is not there")
    from simulator.mesh import Mesh

    mesh = Mesh.from_manifests([str(EXAMPLE)])
    proxy = max(mesh.proxies(), key=lambda one: len(http_listeners(Config.read(mesh.configuration(one)))))
    assert compare(Config.read(mesh.configuration(proxy)), tmp_path) > 10


def test_the_filters_left_out_are_named() -> None:
    """Of a sidecar's filters only Istio's own and gRPC statistics are left out, and this is the whole list."""
    config = recorded("vs-weights", "ops__probe")
    copy = copy_of(config, listeners=http_listeners(config), echo_port=1)
    assert copy.dropped == DROPPED - {"envoy.filters.listener.original_dst"}
