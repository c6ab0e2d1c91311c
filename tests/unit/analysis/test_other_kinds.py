from kubectl_mesh.analysis.service_differences import differing_services
from simulator.manifests import parse_manifests
from tests.unit.analysis import codes, findings, found, resource, service

PATCHES = "envoyfilter.EnvoyPatchAnalyzer"
ENTRIES = "serviceentry.Analyzer"
CERTIFICATES = "destinationrule.CaCertificateAnalyzer"
CONDITIONS = "conditions.ConditionAnalyzer"
DEPRECATED = "deprecation.DeprecationAnalyzer"


def _patch(operation: str, *, target: str = "HTTP_FILTER", more: str = "") -> str:
    patch = f"{{applyTo: {target}, patch: {{operation: {operation}, value: {{name: a}}}}}}"
    return resource("EnvoyFilter", "a", f"{{configPatches: [{patch}]{more}}}")


def test_relative_patches_need_a_priority() -> None:
    """A patch that is placed relative to another may come before it."""
    assert codes(PATCHES, _patch("INSERT_BEFORE")) == ["IST0151 a"]
    assert codes(PATCHES, _patch("INSERT_BEFORE", more=", priority: 10")) == []
    assert codes(PATCHES, _patch("INSERT_FIRST")) == []


def test_operations_fit_what_they_are_applied_to() -> None:
    """Adding and removing do nothing to routes, replacing nothing to clusters."""
    assert codes(PATCHES, _patch("ADD", target="HTTP_ROUTE")) == ["IST0153 a"]
    assert codes(PATCHES, _patch("REMOVE", target="ROUTE_CONFIGURATION")) == ["IST0154 a"]
    assert codes(PATCHES, _patch("REPLACE", target="CLUSTER")) == ["IST0152 a"]


def test_tcp_entries_need_addresses() -> None:
    """TCP hosts are distinguished by address only, unless addresses are allocated (former false positives)."""
    entry = resource("ServiceEntry", "a", "{hosts: [a.b], ports: [{number: 1, name: tcp, protocol: TCP}]}")
    assert codes(ENTRIES, entry) == ["IST0134 a"]
    for variable in ("ISTIO_META_DNS_AUTO_ALLOCATE", "PILOT_ENABLE_IP_AUTOALLOCATE"):
        metadata = {"ISTIO_META_DNS_CAPTURE": "true", variable: "true"}
        assert codes(ENTRIES, entry, mesh={"defaultConfig": {"proxyMetadata": metadata}}) == []


def test_servers_are_verified() -> None:
    """TLS without a CA is reported for the host and for ports."""
    port = "portLevelSettings: [{port: {number: 443}, tls: {mode: MUTUAL}}]"
    rule = resource("DestinationRule", "a", f"{{host: a.b, trafficPolicy: {{tls: {{mode: SIMPLE}}, {port}}}}}")
    assert codes(CERTIFICATES, rule) == ["IST0128 a", "IST0129 a"]
    assert found(CERTIFICATES, rule)[1].endswith("for host: a.b at port number:443")


def test_refused_routes_say_so_in_their_status() -> None:
    """A negative condition of any parent is passed on."""
    route = """
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: a, namespace: shop}
    status: {parents: [{conditions: [{type: Accepted, status: 'False', reason: NoMatch, message: gone}]}]}
    """
    given = found(CONDITIONS, route)
    assert given[0].endswith(
        "A condition with a negative status is present: type=Accepted, reason=NoMatch, message=gone."
    )


def test_deprecated_fields_are_reported_once() -> None:
    """A delay by `percent` has a replacement."""
    rule = "{fault: {delay: {percent: 5, fixedDelay: 1s}}, route: [{destination: {host: a}}]}"
    given = codes(DEPRECATED, resource("VirtualService", "a", f"{{hosts: [a], http: [{rule}, {rule}]}}"))
    assert given == ["IST0002 a"]


def test_services_are_alike_in_all_clusters() -> None:
    """A service with other ports in another cluster is reported with the clusters."""
    east = parse_manifests(service("web"))
    west = parse_manifests(service("web", ports="{name: http, port: 81}"))
    (given,) = differing_services({"east": east, "west": west})
    assert given.arguments == ("web", "shop", ("east", "west"), "service ports are inconsistent")
    assert list(differing_services({"east": east, "west": east})) == []


def test_lines_are_those_of_plain_values() -> None:
    """A finding about a field that is not written points at the resource."""
    rule = resource("DestinationRule", "a", "{host: a.b, trafficPolicy: {tls: {mode: SIMPLE}}}")
    assert findings(CERTIFICATES, rule)[0].path == ()
