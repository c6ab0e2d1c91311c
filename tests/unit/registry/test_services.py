from simulator.model.ports import Protocol
from simulator.model.services import Resolution
from tests.unit.registry import pod, proxy, service, snapshot


def test_headless_service_passes_through() -> None:
    """A Service without a cluster IP leaves the choice of address to the client."""
    found = snapshot(service("db", ip="None")).services[0]
    assert (found.resolution, found.addresses) == (Resolution.PASSTHROUGH, ("0.0.0.0",))


def test_external_name_is_an_alias_of_its_end() -> None:
    """A chain of ExternalNames gives its last service all the names; a loop gives none to any service."""
    alias = """
    apiVersion: v1
    kind: Service
    metadata: {{name: {0}, namespace: shop}}
    spec: {{type: ExternalName, externalName: {1}.shop.svc.cluster.local}}
    """
    view = snapshot(
        service("web"), *(alias.format(*pair) for pair in (("a", "web"), ("b", "a"), ("one", "two"), ("two", "one")))
    )
    by_name = {one.name: one for one in view.services}
    assert by_name["web"].aliases == ("a.shop.svc.cluster.local", "b.shop.svc.cluster.local")
    assert by_name["one"].resolution is Resolution.ALIAS
    assert not by_name["two"].aliases


def test_protocol_comes_from_app_protocol_then_name_then_number() -> None:
    """`appProtocol` beats the port's name, which beats well-known numbers."""
    ports = """{name: http, port: 1, appProtocol: grpc}, {name: tcp-a, port: 2}, {name: db, port: 3306},
      {name: other, port: 4}, {name: http-u, port: 5, protocol: UDP},
      {name: z, port: 6, appProtocol: kubernetes.io/h2c}"""
    found = snapshot(service("web", ports=ports)).services[0]
    expected = [Protocol.GRPC, Protocol.TCP, Protocol.TCP, Protocol.AUTO, Protocol.UDP, Protocol.HTTP2]
    assert [port.protocol for port in found.ports] == expected


def test_older_services_come_first() -> None:
    """Services are ordered by creation, then name, then namespace; without a time they count as oldest."""
    dated = service("a").replace("name: a,", 'name: a, creationTimestamp: "2024-01-01T00:00:00Z",', 1)
    view = snapshot(dated, service("b"), service("b", namespace="alpha"))
    assert [(one.name, one.namespace) for one in view.services] == [("b", "alpha"), ("b", "shop"), ("a", "shop")]


def test_service_entry_has_a_service_for_each_host_and_address() -> None:
    """Hosts times addresses; a range of one address is that address, and its name is its host."""
    view = snapshot("""
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata: {name: ext, namespace: shop}
    spec:
      hosts: [a.test, b.test]
      addresses: [192.0.2.1/32, 192.0.2.0/24]
      ports: [{number: 80, name: http, protocol: http}]
    """)
    found = [(one.host, one.name, one.address) for one in view.services]
    assert found == [(h, h, a) for h in ("a.test", "b.test") for a in ("192.0.2.1", "192.0.2.0/24")]
    assert view.services[0].mesh_external
    assert view.services[0].resolution is Resolution.PASSTHROUGH
    assert view.services[0].ports[0].protocol is Protocol.HTTP


def test_dns_entry_without_endpoints_is_its_own_endpoint() -> None:
    """An entry resolved by DNS has its host for an endpoint, at the target port."""
    view = snapshot("""
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata: {name: ext, namespace: shop}
    spec:
      hosts: [a.test]
      resolution: DNS
      ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
    """)
    found = [(one.address, one.port, one.tls_mode) for one in view.endpoints(view.services[0], 80)]
    assert found == [("a.test", 8080, "disabled")]


def test_workload_entries_serve_entries_and_services_that_select_them() -> None:
    """A WorkloadEntry is an endpoint of ServiceEntries and of Kubernetes Services; its own ports come first."""
    view = snapshot(
        service("vm", ports="{name: http, port: 80, targetPort: 8080}"),
        """
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata: {name: ext, namespace: shop}
    spec:
      hosts: [vm.test]
      resolution: STATIC
      workloadSelector: {labels: {app: vm}}
      ports: [{number: 90, name: http, protocol: HTTP}]
    """,
        """
    apiVersion: networking.istio.io/v1
    kind: WorkloadEntry
    metadata: {name: one, namespace: shop}
    spec: {address: 192.0.2.9, labels: {app: vm}, serviceAccount: vm, ports: {http: 7001}, weight: 3}
    """,
    )
    for one in view.services:
        endpoint = view.endpoints(one, one.ports[0].number)[0]
        assert (endpoint.address, endpoint.port, endpoint.weight, endpoint.tls_mode) == ("192.0.2.9", 7001, 3, "istio")
        assert view.service_accounts(one) == ("spiffe://cluster.local/ns/shop/sa/vm",)


def test_of_entries_for_one_host_the_last_one_names_the_identities() -> None:
    """istiod keeps one list of `subjectAltNames` for a host and namespace: that of the service it reads last."""
    entry = """
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata: {{name: {name}, namespace: shop}}
    spec: {{hosts: [ext.test], resolution: DNS, ports: [{{number: {port}, name: http}}], subjectAltNames: [{name}]}}
    """
    view = snapshot(entry.format(name="older", port=80), entry.format(name="younger", port=81))
    assert {view.service_accounts(one) for one in view.services} == {("younger",)}


def test_endpoint_of_a_pod_carries_its_identity_and_place() -> None:
    """An EndpointSlice's address has the labels, account, locality and health of its pod."""
    view = snapshot(
        service("web"),
        pod("web", ip="10.1.0.1", labels="app: web, security.istio.io/tlsMode: istio"),
        """
    apiVersion: v1
    kind: Node
    metadata: {name: n1, labels: {topology.kubernetes.io/region: r, topology.kubernetes.io/zone: z}}
    """,
        """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
    addressType: IPv4
    ports: [{name: http, port: 8080}]
    endpoints:
    - {addresses: [10.1.0.1], targetRef: {kind: Pod, name: web, namespace: shop}}
    - {addresses: [10.1.0.7], targetRef: {kind: Pod, name: gone, namespace: shop}}
    - {addresses: [192.0.2.5], conditions: {ready: false, terminating: false}}
    """,
    )
    first, second = view.endpoints(view.services[0], 80)
    assert (first.address, str(first.locality), first.tls_mode) == ("10.1.0.1", "r/z", "istio")
    assert first.labels["topology.kubernetes.io/zone"] == "z"
    assert (second.address, second.health.value, second.tls_mode) == ("192.0.2.5", "UNHEALTHY", "disabled")


def test_targets_resolve_named_ports_and_keep_the_oldest_first() -> None:
    """A service port leads to the container port it names; one that names nothing is left out."""
    view = snapshot(
        service("web", ports="{name: http, port: 80, targetPort: api}, {name: x, port: 81, targetPort: nowhere}"),
        service("also", more=", externalIPs: [192.0.2.1]").replace("app: also", "app: web"),
        pod("web", ip="10.1.0.1", ports="[{name: api, containerPort: 9000}]"),
    )
    targets = view.service_targets(proxy(view, "web"))
    assert [(one.service.name, one.port.number, one.target_port) for one in targets] == [
        ("also", 80, 8080),
        ("web", 80, 9000),
    ]


def test_proxy_metadata_is_what_its_agent_would_send() -> None:
    """Variables, their references, fields of the pod, and the proxy config of the injector and the annotation."""
    env = """{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}},
      {name: ISTIO_META_OWNER, value: "x/$(POD_NAME)"},
      {name: PROXY_CONFIG, value: '{"statusPort":15099,"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"}}'}"""
    found = proxy(snapshot(pod("web", ip="10.1.0.1", env=env)), "web")
    assert found.metadata["OWNER"] == "x/web"
    assert found.metadata["DNS_CAPTURE"] == "true"
    assert found.metadata["PROXY_CONFIG"]["statusPort"] == 15099
    assert found.metadata["PROXY_CONFIG"]["proxyAdminPort"] == 15000
    assert found.node_id == "sidecar~10.1.0.1~web.shop~shop.svc.cluster.local"


def test_a_provider_without_a_name_breaks_nothing() -> None:
    """A mesh config that lacks the name of an extension provider is read all the same."""
    config = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: istio, namespace: istio-system}
    data: {mesh: "extensionProviders: [{zipkin: {service: web, port: 80}}]"}
    """
    assert snapshot(config).mesh["extensionProviders"][-1] == {"zipkin": {"service": "web", "port": 80}}
