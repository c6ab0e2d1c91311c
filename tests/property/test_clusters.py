"""Laws of clusters and endpoints that hold for any mesh and any traffic policy."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.xds.generator import Generator
from tests.conformance.test_schema import strict_parse
from tests.unit.xds.mesh import Json, generator, pod, proxy_of, service

_DURATIONS = st.sampled_from(["1s", "0.5s", "250ms", "1m30s", "2h"])
_COUNTS = st.integers(min_value=1, max_value=2**31 - 1)
_EXAMPLES = settings.default.max_examples // 3
_ZONES = ["r1.z1", "r1.z2", "r2.z1"]


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Return objects that have any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


_POOLS = _some(
    tcp=_some(
        maxConnections=_COUNTS,
        connectTimeout=_DURATIONS,
        idleTimeout=_DURATIONS,
        maxConnectionDuration=_DURATIONS,
        tcpKeepalive=_some(probes=_COUNTS, time=_DURATIONS, interval=_DURATIONS),
    ),
    http=_some(
        http1MaxPendingRequests=_COUNTS,
        http2MaxRequests=_COUNTS,
        maxRequestsPerConnection=_COUNTS,
        maxRetries=_COUNTS,
        idleTimeout=_DURATIONS,
        h2UpgradePolicy=st.sampled_from(["DEFAULT", "UPGRADE", "DO_NOT_UPGRADE"]),
        useClientProtocol=st.booleans(),
        maxConcurrentStreams=_COUNTS,
    ),
)
_OUTLIERS = _some(
    consecutive5xxErrors=st.integers(0, 9),
    consecutiveGatewayErrors=st.integers(0, 9),
    splitExternalLocalOriginErrors=st.booleans(),
    consecutiveLocalOriginFailures=st.integers(0, 9),
    interval=_DURATIONS,
    baseEjectionTime=_DURATIONS,
    maxEjectionPercent=st.integers(0, 100),
    minHealthPercent=st.integers(0, 100),
)
_LOCALITY = st.one_of(
    _some(enabled=st.booleans()),
    st.just({"distribute": [{"from": "*", "to": {"r1/z1": 70, "r1/*": 20, "r2": 10}}]}),
    st.just({"failover": [{"from": "r1", "to": "r2"}]}),
    st.just({"failoverPriority": ["topology.kubernetes.io/region", "version=v1"]}),
)
_SIMPLE = st.sampled_from(["ROUND_ROBIN", "LEAST_REQUEST", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "UNSPECIFIED"])
_HASHES = st.one_of(
    st.just({"useSourceIp": True}),
    st.just({"httpHeaderName": "x", "ringHash": {"minimumRingSize": 64}}),
    st.just({"httpQueryParameterName": "q", "maglev": {"tableSize": 65537}}),
)
_BALANCERS = st.one_of(
    _some(simple=_SIMPLE, localityLbSetting=_LOCALITY, warmup=st.just({"duration": "30s", "aggression": 1.5})),
    _some(consistentHash=_HASHES, localityLbSetting=_LOCALITY),
)
_TLS = st.one_of(
    st.builds(lambda mode: {"mode": mode}, st.sampled_from(["DISABLE", "SIMPLE", "ISTIO_MUTUAL"])),
    st.just({"mode": "MUTUAL", "clientCertificate": "/c", "privateKey": "/k", "sni": "s", "subjectAltNames": ["n"]}),
    st.just({"mode": "SIMPLE", "insecureSkipVerify": True, "credentialName": "secret"}),
)
_PARTS: dict[str, st.SearchStrategy[Any]] = {
    "connectionPool": _POOLS,
    "outlierDetection": _OUTLIERS,
    "loadBalancer": _BALANCERS,
    "tls": _TLS,
}
_POLICIES = _some(
    **_PARTS,
    portLevelSettings=st.lists(_some(**_PARTS).map(lambda one: {**one, "port": {"number": 80}}), max_size=1),
    proxyProtocol=st.sampled_from([{}, {"version": "V2"}]),
    retryBudget=st.sampled_from([{}, {"percent": 12.5, "minRetryConcurrency": 9}]),
)


@st.composite
def _meshes(draw: st.DrawFn) -> Generator:
    pods = [
        pod(
            f"web-{number}",
            f"10.0.0.{number}",
            version=draw(st.sampled_from(["v1", "v2"])),
            node=draw(st.sampled_from(_ZONES)),
            proxy=draw(st.sampled_from(["sidecar", ""])),
            ready=draw(st.booleans()),
        )
        for number in range(1, draw(st.integers(1, 5)))
    ]
    web = service(
        ports=((draw(st.sampled_from(["http", "grpc", "tcp", ""])), 80, 8080),),
        ip=draw(st.sampled_from(["10.96.0.1", "None"])),
        **draw(_some(trafficDistribution=st.sampled_from(["PreferClose", "PreferSameNode"]))),
    )
    entry = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {
            "hosts": ["api.test"],
            "resolution": draw(st.sampled_from(["DNS", "DNS_ROUND_ROBIN", "NONE"])),
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
        },
    }
    rules = [
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "DestinationRule",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {
                "host": host,
                "trafficPolicy": draw(_POLICIES),
                "subsets": [{"name": "v1", "labels": {"version": "v1"}, **draw(_some(trafficPolicy=_POLICIES))}],
            },
        }
        for name, host in (("web", "web"), ("api", "api.test"))
    ]
    clients = [pod("client", "10.0.1.1", app="client"), pod("gateway", "10.0.1.2", app="gateway", proxy="router")]
    env = {"PILOT_ENABLE_AMBIENT": "true"} if draw(st.booleans()) else {}
    return generator(*clients, *pods, web, entry, *rules, env=env)


def _configuration(made: Generator, name: str) -> tuple[list[Any], list[Any]]:
    view = made.view(proxy_of(made, name))
    built = made.clusters(view)
    return list(built), list(made.endpoints(view, built))


@settings(max_examples=_EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(_meshes())
def test_clusters_and_endpoints_are_well_formed(made: Generator) -> None:
    """Whatever the policies, messages are valid, names unique, and each EDS cluster has its one assignment."""
    for name in ("client", "gateway"):
        built, assignments = _configuration(made, name)
        for kind, resources in (("clusters", built), ("endpoints", assignments)):
            for resource in resources:
                strict_parse(resource, kind)
        names = [cluster["name"] for cluster in built]
        assert len(names) == len(set(names))
        eds = [cluster["name"] for cluster in built if cluster.get("type") == "EDS"]
        assert [assignment["cluster_name"] for assignment in assignments] == eds
        for cluster in built:
            assert not {"transport_socket", "transport_socket_matches"} <= cluster.keys()
            assert cluster.get("type") != "ORIGINAL_DST" or cluster["lb_policy"] == "CLUSTER_PROVIDED"


@settings(max_examples=_EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(_meshes())
def test_priorities_have_no_gaps(made: Generator) -> None:
    """Priorities of an assignment count from 0 without a gap, since Envoy refuses others."""
    built, assignments = _configuration(made, "client")
    inline = [cluster["load_assignment"] for cluster in built if "load_assignment" in cluster]
    for assignment in [*assignments, *inline]:
        groups = assignment.get("endpoints") or []
        priorities = {int(group.get("priority", 0)) for group in groups}
        assert priorities == set(range(len(priorities)))
        for group in groups:
            assert group.get("load_balancing_weight", 1) > 0
