from simulator.registry.directory import build_directory
from tests.unit.registry import pod, service, snapshot

ARGS = "[istio-iptables, -p, '15001', -i, 10.0.0.0/8, -b, '8080', -d, '15090,9']"
INIT = f"initContainers: [{{name: istio-init, args: {ARGS}}}]"


def test_capture_is_read_from_the_redirection() -> None:
    """istio-init's settings decide which connections a sidecar captures; gateways capture none."""
    web = pod("web", ip="10.1.0.1").replace("  containers:", f"  {INIT}\n  containers:")
    found = build_directory(snapshot(web, pod("edge", ip="10.1.0.2", role="router")))
    capture = {one.name: one.capture for one in found.workloads}
    assert capture["web"].include_inbound_ports == {8080}
    assert capture["web"].exclude_inbound_ports == {9, 15020, 15021, 15090}
    assert capture["web"].include_outbound_cidrs == ("10.0.0.0/8",)
    assert not capture["edge"].inbound
    assert not capture["edge"].outbound


def test_capture_follows_annotations_where_nothing_redirects() -> None:
    """Without istio-init the annotations of the pod say what its sidecar takes over."""
    annotated = pod("web", ip="10.1.0.1").replace(
        "labels:", "annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '1,2'}, labels:", 1
    )
    (found,) = build_directory(snapshot(annotated)).workloads
    assert found.capture.exclude_outbound_ports == {1, 2}
    assert found.identity == "spiffe://cluster.local/ns/shop/sa/web"


def test_services_know_their_backends_and_names() -> None:
    """A record has virtual addresses, node ports, and the pods behind each port; the origin of each object is kept."""
    ports = "{name: http, port: 80, targetPort: 8080, nodePort: 30080}"
    view = snapshot(
        service("web", ip="10.96.0.7", ports=ports),
        pod("web", ip="10.1.0.1"),
        """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
    addressType: IPv4
    ports: [{name: http, port: 8080}]
    endpoints: [{addresses: [10.1.0.1], targetRef: {kind: Pod, name: web, namespace: shop}}]
    """,
    )
    found = build_directory(view)
    record = found.services["web.shop.svc.cluster.local"]
    assert (record.addresses, record.node_ports) == (("10.96.0.7",), {30080: 80})
    assert [(one.address, one.port, one.ready) for one in record.backends[80]] == [("10.1.0.1", 8080, True)]
    assert record.source is not None
    assert found.origins[record.source].line == 1


def test_endpoints_that_only_ports_for_tls_lead_to_are_known() -> None:
    """The declared protocol counts, else port 443; a port for plain text that leads there too outweighs them."""
    ports = (
        "{name: https-web, port: 8443, targetPort: 1}, {name: web, port: 443, targetPort: 2}, "
        "{name: http, port: 80, targetPort: 3}, {name: tls, port: 81, targetPort: 3}, "
        "{name: any, port: 82, targetPort: 4}"
    )
    slice_ = """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
    addressType: IPv4
    ports:
    - {name: https-web, port: 1}
    - {name: web, port: 2}
    - {name: http, port: 3}
    - {name: tls, port: 3}
    - {name: any, port: 4}
    endpoints: [{addresses: [10.1.0.1], targetRef: {kind: Pod, name: web, namespace: shop}}]
    """
    found = build_directory(snapshot(service("web", ip="10.96.0.7", ports=ports), pod("web", ip="10.1.0.1"), slice_))
    assert found.tls_ports == {
        ("10.1.0.1", 1): "port 8443 of web.shop.svc.cluster.local is declared as HTTPS",
        ("10.1.0.1", 2): "port 443 of web.shop.svc.cluster.local is that of HTTPS",
    }
