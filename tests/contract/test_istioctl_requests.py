"""Every request that istioctl 1.30 makes, replayed: its paths, its selectors, its frames, its xDS."""

import asyncio
import json
import socket
import ssl
import threading
from typing import Any

import pytest

from simulator.apiserver.spdy import Session
from tests.contract.serving import ServedMesh

ISTIO = "/api/v1/namespaces/istio-system"
WATCH_LIST = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
NOT_SYSTEM = (
    "metadata.{0}!=kube-system,metadata.{0}!=kube-public,metadata.{0}!=kube-node-lease,metadata.{0}!=local-path-storage"
)
PROTOBUF_FIRST = "application/vnd.kubernetes.protobuf,application/json"
INFORMERS = {
    "configmaps": "/api/v1/configmaps",
    "namespaces": f"/api/v1/namespaces?fieldSelector={NOT_SYSTEM.format('name')}",
    "nodes": "/api/v1/nodes",
    "pods": f"/api/v1/pods?fieldSelector={NOT_SYSTEM.format('namespace')}",
    "services": f"/api/v1/services?fieldSelector={NOT_SYSTEM.format('namespace')}",
    "secrets": "/api/v1/secrets?fieldSelector=type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token",
    "deployments": "/apis/apps/v1/deployments",
    "mutating webhooks": "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "validating webhooks": "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "definitions": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    **{
        kind: f"/apis/{group}/{kind}"
        for group, kinds in {
            "networking.istio.io/v1": (
                "virtualservices destinationrules gateways serviceentries sidecars workloadentries workloadgroups"
            ),
            "networking.istio.io/v1alpha3": "envoyfilters",
            "networking.istio.io/v1beta1": "proxyconfigs",
            "security.istio.io/v1": "authorizationpolicies peerauthentications requestauthentications",
            "telemetry.istio.io/v1": "telemetries",
            "extensions.istio.io/v1alpha1": "wasmplugins trafficextensions",
            "gateway.networking.k8s.io/v1": "httproutes grpcroutes",
        }.items()
        for kind in kinds.split()
    },
    "Kubernetes gateways": "/apis/gateway.networking.k8s.io/v1/gateways",
}
LISTS = {
    "istiod of ps": f"{ISTIO}/pods?labelSelector=app=istiod,istio.io/rev=default&fieldSelector=status.phase=Running",
    "ingress gateways": "/api/v1/pods?labelSelector=istio=ingressgateway&fieldSelector=status.phase=Running",
    "services": "/api/v1/namespaces/shop/services",
    "revision webhooks": (
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?labelSelector=istio.io/rev=default"
    ),
}
GETS = {
    "mesh config": f"{ISTIO}/configmaps/istio",
    "injector": f"{ISTIO}/configmaps/istio-sidecar-injector",
    "namespace": "/api/v1/namespaces/shop",
    "version": "/version",
    "workload": "/apis/apps/v1/namespaces/shop/deployments/web",
}


def web(served: ServedMesh) -> str:
    """Return a web pod."""
    items = served.request("GET", "/api/v1/namespaces/shop/pods?labelSelector=app=web")[1]["items"]
    name: str = items[0]["metadata"]["name"]
    return name


def initial_events(served: ServedMesh, path: str, *, accept: str) -> list[Any]:
    """Return the events of a watch up to the bookmark that ends the initial ones."""
    response = served.stream(path, Accept=accept)
    data = b""
    for chunk in response.stream(1 << 16):
        data += chunk
        if b"initial-events-end" in data and data.endswith(b"\n"):
            break
    response.close()
    assert response.status == 200
    return [json.loads(line) for line in data.splitlines()]


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_answered_with_items_that_say_what_they_are(example: ServedMesh, name: str) -> None:
    """Each list has its kind and a version, each item its own kind; none that a command needs is empty."""
    status, document = example.request(
        "GET", LISTS[name] + "&timeout=15s" * ("?" in LISTS[name]), Accept=PROTOBUF_FIRST
    )
    assert status == 200
    assert document["kind"].endswith("List")
    assert document["metadata"]["resourceVersion"]
    assert document["items"]
    assert {item["kind"] + "List" for item in document["items"]} == {document["kind"]}


@pytest.mark.parametrize("name", GETS)
def test_single_objects_are_answered(example: ServedMesh, name: str) -> None:
    """Objects that commands read one by one are there."""
    assert example.request("GET", f"{GETS[name]}?timeout=15s", Accept=PROTOBUF_FIRST)[0] == 200


@pytest.mark.parametrize("name", INFORMERS)
def test_informers_get_what_there_is_and_then_a_bookmark(example: ServedMesh, name: str) -> None:
    """Informers start with a watch-list; a list with `resourceVersion=0` is what they fall back to."""
    path = INFORMERS[name]
    joint = "&" if "?" in path else "?"
    events = initial_events(example, f"{path}{joint}{WATCH_LIST}", accept=PROTOBUF_FIRST)
    bookmark = next(event for event in events if event["type"] == "BOOKMARK")
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    listed = example.request("GET", f"{path}{joint}limit=500&resourceVersion=0")[1]
    added = {event["object"]["metadata"]["name"] for event in events if event["type"] == "ADDED"}
    assert added == {item["metadata"]["name"] for item in listed["items"]}


def test_definitions_are_read_as_metadata_too(example: ServedMesh) -> None:
    """analyze watches CRDs once more as PartialObjectMetadata; the Gateway API's say their version."""
    accept = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
    accept += "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
    events = initial_events(example, f"{INFORMERS['definitions']}?{WATCH_LIST}", accept=accept)
    found = {event["object"]["metadata"].get("name"): event["object"] for event in events}
    routes = found["grpcroutes.gateway.networking.k8s.io"]
    assert (routes["kind"], "spec" in routes) == ("PartialObjectMetadata", False)
    assert routes["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"] >= "v1.1.0"


def test_the_revision_is_found_by_its_webhook(example: ServedMesh) -> None:
    """`istio-revision-tag-default` carries the revision that commands use."""
    path = f"{INFORMERS['mutating webhooks']}/istio-revision-tag-default"
    assert example.request("GET", path)[1]["metadata"]["labels"]["istio.io/rev"] == "default"


def test_access_reviews_of_precheck_are_answered(example: ServedMesh) -> None:
    """precheck asks whether it may create what an installation needs."""
    attributes = {"verb": "create", "group": "rbac.authorization.k8s.io", "resource": "clusterroles", "version": "v1"}
    body = {"spec": {"resourceAttributes": attributes}}
    status, review = example.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    assert (status, review["status"]["allowed"]) == (201, True)


class SpdyForward:
    """istioctl's fallback port-forward: SPDY frames over an upgraded POST."""

    def __init__(self, served: ServedMesh, path: str) -> None:
        host, _, port = served.url.removeprefix("https://").partition(":")
        context = ssl.create_default_context(cadata=served.served.cluster.authority.root.decode())
        self._socket = context.wrap_socket(socket.create_connection((host, int(port)), 10), server_hostname=host)
        self._socket.settimeout(20)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {served.token}\r\n"
            "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n"
        )
        self._socket.sendall(head.encode())
        self.answer, _, self._rest = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")

    def _until(self, end: bytes) -> bytes:
        data = b""
        while end not in data:
            data += self._socket.recv(65536)
        return data

    def request(self, port: int, data: bytes, number: int = 0) -> tuple[bytes, bytes]:
        """Open a pair of streams as client-go does and return what the data and error streams brought."""

        async def talk() -> tuple[bytes, bytes]:
            session = Session(self._socket.sendall, client=True)
            headers = {"port": str(port), "requestID": str(number)}
            error = session.open(headers | {"streamType": "error"}, fin=True)
            stream = session.open(headers | {"streamType": "data"})
            if data:
                stream.write(data)
            session.feed(self._rest)
            while not (stream.reader.at_eof() or stream.reader._eof) or not error.reader._eof:
                session.feed(self._socket.recv(65536))
            return await stream.reader.read(), await error.reader.read()

        return asyncio.run(talk())

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


@pytest.mark.parametrize(
    ("port", "target", "expected"),
    [
        (15000, "/config_dump", b"ListenersConfigDump"),
        (15000, "/clusters?format=json", b"cluster_statuses"),
        (15000, "/config_dump?mask=bootstrap", b"BootstrapConfigDump"),
    ],
)
def test_spdy_frames_reach_a_proxy(example: ServedMesh, port: int, target: str, expected: bytes) -> None:
    """The handshake is answered with 101 and the protocol, the streams carry HTTP."""
    forward = SpdyForward(example, f"/api/v1/namespaces/shop/pods/{web(example)}/portforward")
    assert forward.answer.startswith(b"HTTP/1.1 101 ")
    assert b"X-Stream-Protocol-Version: portforward.k8s.io" in forward.answer
    request = f"GET {target} HTTP/1.1\r\nHost: localhost:1234\r\nConnection: close\r\n\r\n".encode()
    answer, error = forward.request(port, request)
    forward.close()
    assert expected in answer
    assert error == b""


def test_a_port_without_a_listener_is_told_on_the_error_stream(example: ServedMesh) -> None:
    """istioctl prints what comes on the error stream."""
    forward = SpdyForward(example, f"/api/v1/namespaces/shop/pods/{web(example)}/portforward")
    answer, error = forward.request(9, b"")
    forward.close()
    assert answer == b""
    assert b"connection refused" in error


@pytest.mark.parametrize(
    ("port", "method", "target", "expected"),
    [
        ("15014", "GET", "/version", b"1.30.3-"),
        ("15014", "GET", "//version", b"1.30.3-"),
        ("15014", "GET", "/debug/syncz", b'"proxy"'),
        ("15014", "GET", "/debug/clusterz", b'"syncStatus":"synced"'),
        ("8080", "GET", "/debug/registryz", b'"hostname"'),
        ("9876", "GET", "/scopej", b'"output_level"'),
        ("9876", "PUT", "/scopej/ads", b""),
    ],
)
def test_istiods_ports_answer(example: ServedMesh, port: str, method: str, target: str, expected: bytes) -> None:
    """Monitoring, debug and ControlZ answer what commands ask of them."""
    pod = example.request("GET", LISTS["istiod of ps"])[1]["items"][0]["metadata"]["name"]
    body = {"output_level": "debug"} if method == "PUT" else None
    status, data = example.raw(method, f"{ISTIO}/pods/{pod}:{port}/proxy{target}", body)
    assert status in (200, 202)
    assert expected in data


class XdsTunnel:
    """Joins a local port to istiod's xDS port through the API server, as a port-forward does."""

    def __init__(self, served: ServedMesh) -> None:
        from kubernetes import client, config

        configuration = client.Configuration()
        config.load_kube_config(str(served.kubeconfig), client_configuration=configuration)
        self._api = client.CoreV1Api(client.ApiClient(configuration))
        self._pod = served.request("GET", LISTS["istiod of ps"])[1]["items"][0]["metadata"]["name"]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        from kubernetes.stream import portforward

        ours, _ = self._listener.accept()
        forward = portforward(
            self._api.connect_get_namespaced_pod_portforward, self._pod, "istio-system", ports="15012"
        )
        theirs = forward.socket(15012)
        theirs.setblocking(True)
        for source, target in ((ours, theirs), (theirs, ours)):
            threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source: Any, target: Any) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


@pytest.mark.parametrize("kind", ["istio.io/debug/syncz", "istio.io/debug/config_dump", "istio.io/debug"])
def test_xds_answers_debug_requests(example: ServedMesh, kind: str) -> None:
    """With a service account's token, over TLS: sync state, a proxy's dump, any debug page; without one, nothing."""
    grpc = pytest.importorskip("grpc", reason="needs the extra `serve`")
    from envoy.service.discovery.v3 import discovery_pb2

    body = {"spec": {"audiences": ["istio-ca"], "expirationSeconds": 3600}}
    token = example.request("POST", f"{ISTIO}/serviceaccounts/default/token", body)[1]["status"]["token"]
    proxy = f"{web(example)}.shop"
    names = {"istio.io/debug/config_dump": [proxy], "istio.io/debug": [f"edsz?proxyID={proxy}"]}.get(kind, [])
    tunnel = XdsTunnel(example)
    credentials = grpc.ssl_channel_credentials(example.served.cluster.authority.root)
    options = [("grpc.ssl_target_name_override", "istiod.istio-system.svc")]
    with grpc.secure_channel(f"127.0.0.1:{tunnel.port}", credentials, options) as channel:
        stream = channel.stream_stream(
            "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
            request_serializer=discovery_pb2.DiscoveryRequest.SerializeToString,
            response_deserializer=discovery_pb2.DiscoveryResponse.FromString,
        )
        request = discovery_pb2.DiscoveryRequest(type_url=kind, resource_names=names)
        refused = stream(iter([request]), timeout=30)
        with pytest.raises(grpc.RpcError) as error:
            next(refused)
        assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
        answers = stream(iter([request]), timeout=30, metadata=[("authorization", f"Bearer {token}")])
        answer = next(answers)
    tunnel.close()
    assert answer.type_url == kind
    assert json.loads(answer.control_plane.identifier)["ID"].startswith("istiod-")
    assert answer.resources
    if kind == "istio.io/debug":
        assert json.loads(answer.resources[0].value)["configs"]
