from simulator.manifests import parse_manifests


def test_service_ports_are_completed() -> None:
    """A Service port gets a protocol and its own number as target, and the Service a type."""
    (service,) = parse_manifests(
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}, {port: 81, targetPort: x}]}\n"
    )
    assert service.spec["type"] == "ClusterIP"
    assert service.spec["ports"] == [
        {"port": 80, "protocol": "TCP", "targetPort": 80},
        {"port": 81, "protocol": "TCP", "targetPort": "x"},
    ]


def test_http_routes_match_everything_by_default() -> None:
    """A rule without matches matches the prefix `/`, and backends and parents get group, kind and weight."""
    (route,) = parse_manifests(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\n"
        "spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: b, port: 80}]}]}\n"
    )
    rule = route.spec["rules"][0]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert rule["backendRefs"] == [{"name": "b", "port": 80, "group": "", "kind": "Service", "weight": 1}]
    assert route.spec["parentRefs"][0]["kind"] == "Gateway"


def test_gateway_listeners_allow_their_own_namespace() -> None:
    """A listener admits routes of its namespace and terminates TLS, unless it says otherwise."""
    (gateway,) = parse_manifests(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\n"
        "spec:\n  gatewayClassName: istio\n"
        "  listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}]\n"
    )
    listener = gateway.spec["listeners"][0]
    assert listener["allowedRoutes"] == {"namespaces": {"from": "Same"}}
    assert listener["tls"] == {"mode": "Terminate", "certificateRefs": [{"name": "c", "group": "", "kind": "Secret"}]}


def test_null_fields_are_absent() -> None:
    """A field given as null is as good as left out."""
    (service,) = parse_manifests(
        "apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: null}\nspec: {selector: null, ports: null}\n"
    )
    assert "selector" not in service.spec
    assert "ports" not in service.spec
    assert service.labels == {}


def test_secrets_are_encoded() -> None:
    """`stringData` ends up in `data`, as the API server stores it."""
    (secret,) = parse_manifests(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: YQ==}\nstringData: {b: b}\n"
    )
    assert secret.document["data"] == {"a": "YQ==", "b": "Yg=="}
    assert "stringData" not in secret.document
