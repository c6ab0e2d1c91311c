"""A mesh of four pods, by hand: client and server with proxies, a plain pod, and a gateway."""

from typing import Any

from simulator.model.directory import Backend, Capture, Directory, ServiceRecord, Workload
from simulator.model.proxies import ProxyId, Role
from simulator.model.requests import Request
from simulator.model.resources import ObjectRef
from simulator.model.traces import Trace
from simulator.traffic.follow import follow

Json = dict[str, Any]
CLIENT, SERVER, GATEWAY = ProxyId("client-1", "shop"), ProxyId("web-1", "shop"), ProxyId("edge-1", "istio-system")
CLIENT_ID = "spiffe://cluster.local/ns/shop/sa/client"
_HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_TCP = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
_RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
_UPSTREAM = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
DOWNSTREAM = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


def manager(routes: Json, *filters: Json) -> Json:
    """Return an HTTP connection manager with a route configuration in it."""
    return {"name": "hcm", "typed_config": {"@type": _HCM, "route_config": routes, "http_filters": list(filters)}}


def forwarder(cluster: str) -> Json:
    """Return a TCP proxy that forwards to a cluster."""
    return {"name": "tcp", "typed_config": {"@type": _TCP, "cluster": cluster}}


def routed(*hosts: tuple[str, str]) -> Json:
    """Return a route configuration that sends each domain to a cluster."""
    return {
        "name": "routes",
        "virtual_hosts": [
            {"name": domain, "domains": [domain], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": cluster}}]}
            for domain, cluster in hosts
        ],
    }


def listener(name: str, address: str, port: int, *chains: Json, **more: Any) -> Json:
    """Return a listener with filter chains."""
    socket = {"socket_address": {"address": address, "port_value": port}}
    return {"name": name, "address": socket, "filter_chains": list(chains), **more}


def eds(name: str, *endpoints: tuple[str, int], mutual: bool = False) -> Json:
    """Return a cluster with endpoints."""
    hosts = [
        {"endpoint": {"address": {"socket_address": {"address": ip, "port_value": port}}}} for ip, port in endpoints
    ]
    cluster: Json = {
        "name": name, "type": "STATIC", "load_assignment": {"endpoints": [{"lb_endpoints": hosts}]}
    }  # fmt: skip
    if mutual:
        common = {"tls_certificate_sds_secret_configs": [{"name": "default"}], "alpn_protocols": ["istio"]}
        cluster["transport_socket"] = {"typed_config": {"@type": _UPSTREAM, "common_tls_context": common}}
    return cluster


def client_config(*, mutual: bool = True) -> Json:
    """Return the client's configuration: HTTP on port 80 to some clusters, the rest passed on."""
    routes = routed(
        ("web", "web"), ("plain", "plain"), ("empty", "empty"), ("gone", "gone"), ("*", "PassthroughCluster")
    )
    block = {"filters": [{"typed_config": {"@type": _TCP, "cluster": "BlackHoleCluster"}}]}
    rest = {"filters": [{"typed_config": {"@type": _TCP, "cluster": "PassthroughCluster"}}]}
    return {
        "listeners": [
            listener("virtualOutbound", "0.0.0.0", 15001, rest, use_original_dst=True),
            listener("0.0.0.0_80", "0.0.0.0", 80, {"filters": [manager(routes)]}),
            listener("0.0.0.0_66", "0.0.0.0", 66, block),
        ],
        "clusters": [
            eds("web", ("10.1.0.2", 8080), mutual=mutual),
            eds("plain", ("10.1.0.3", 8080), mutual=mutual),
            eds("empty"),
            eds("BlackHoleCluster"),
            {"name": "PassthroughCluster", "type": "ORIGINAL_DST"},
        ],
    }


def server_config(*, strict: bool = True) -> Json:
    """Return the server's configuration: mutual TLS, and only the client is allowed."""
    principal = {"authenticated": {"principal_name": {"exact": CLIENT_ID}}}
    policy = {"permissions": [{"any": True}], "principals": [principal]}
    rbac = {"name": "rbac", "typed_config": {"@type": _RBAC, "rules": {"policies": {"only-client": policy}}}}
    tls = {"typed_config": {"@type": DOWNSTREAM, "require_client_certificate": True}}
    chains = [
        {
            "filter_chain_match": {"destination_port": 8080, "transport_protocol": "tls"},
            "transport_socket": tls,
            "filters": [manager(routed(("*", "app")), rbac)],
        }
    ]
    if not strict:
        plain = {"destination_port": 8080, "transport_protocol": "raw_buffer"}
        chains.append({"filter_chain_match": plain, "filters": [manager(routed(("*", "app")), rbac)]})
    filters = [{"name": f"envoy.filters.listener.{name}"} for name in ("original_dst", "tls_inspector")]
    inbound = listener(
        "virtualInbound", "0.0.0.0", 15006, *chains, traffic_direction="INBOUND", listener_filters=filters
    )
    return {"listeners": [inbound], "clusters": [{"name": "app", "type": "ORIGINAL_DST"}]}


def gateway_config() -> Json:
    """Return the gateway's configuration: one host on port 8080, which leads to the server, and one that leads back."""
    routes = routed(("shop.example.com", "web"), ("loop.example.com", "self"))
    return {
        "listeners": [listener("0.0.0.0_8080", "0.0.0.0", 8080, {"filters": [manager(routes)]})],
        "clusters": [eds("web", ("10.1.0.2", 8080), mutual=True), eds("self", ("10.1.0.4", 8080))],
    }


def service(name: str, address: str, *backends: Backend, namespace: str = "shop", **more: Any) -> ServiceRecord:
    """Return a Kubernetes service with port 80."""
    source = ObjectRef(kind="Service", namespace=namespace, name=name)
    host = f"{name}.{namespace}.svc.cluster.local"
    addresses = (address,) if address else ()
    return ServiceRecord(
        host=host, namespace=namespace, addresses=addresses, backends={80: backends}, source=source, **more
    )


def directory(*, client: Capture | None = None, server: Capture | None = None, **more: Any) -> Directory:
    """Return the names and addresses of the mesh."""
    services = [
        service("web", "10.96.0.2", Backend(address="10.1.0.2", port=8080)),
        service("plain", "10.96.0.3", Backend(address="10.1.0.3", port=8080)),
        service("empty", "10.96.0.9"),
        service("gone", "10.96.0.8"),
        service("db", "", Backend(address="10.1.0.2", port=8080), headless=True),
        service("alias", "", external_name="web.shop.svc.cluster.local"),
        service(
            "edge", "10.96.0.4", Backend(address="10.1.0.4", port=8080), namespace="istio-system",
            external_addresses=("192.0.2.10",), node_ports={30080: 80},
        ),
    ]  # fmt: skip
    workloads = (
        Workload(
            name="client-1", namespace="shop", addresses=("10.1.0.1",), proxy=CLIENT, role=Role.SIDECAR,
            identity=CLIENT_ID, capture=client or Capture(),
        ),
        Workload(
            name="web-1", namespace="shop", addresses=("10.1.0.2",), proxy=SERVER, role=Role.SIDECAR,
            identity="spiffe://cluster.local/ns/shop/sa/web", capture=server or Capture(), ports={8080: "http"},
        ),
        Workload(name="plain-1", namespace="shop", addresses=("10.1.0.3",)),
        Workload(
            name="edge-1", namespace="istio-system", addresses=("10.1.0.4",), proxy=GATEWAY, role=Role.GATEWAY,
            identity="spiffe://cluster.local/ns/istio-system/sa/edge",
        ),
    )  # fmt: skip
    return Directory(
        services={one.host: one for one in services}, workloads=workloads, nodes={"node-1": ("10.0.0.1",)}, **more
    )


def trace(request: Request, source: str | None, *, mutual: bool = True, strict: bool = True, **more: Any) -> Trace:
    """Follow a request through the mesh, from a pod or from outside."""
    known = directory(**more)
    configs = {CLIENT: client_config(mutual=mutual), SERVER: server_config(strict=strict), GATEWAY: gateway_config()}
    origin = next((one for one in known.workloads if one.name == source), None)
    return follow(known, configs.__getitem__, request, origin)
