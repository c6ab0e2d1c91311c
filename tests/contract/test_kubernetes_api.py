"""The served API does what Kubernetes' clients rely on."""

import json
import socket
import ssl
import threading
import time
from typing import Any

import pytest

from tests.contract.serving import ServedMesh

PODS = "/api/v1/namespaces/shop/pods"
CONFIGMAPS = "/api/v1/namespaces/shop/configmaps"
MERGE = "application/merge-patch+json"


def first_pod(served: ServedMesh, labels: str = "app=web", namespace: str = "shop") -> str:
    """Return the name of a pod."""
    items = served.request("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector={labels}")[1]["items"]
    name: str = items[0]["metadata"]["name"]
    return name


def test_old_and_aggregated_discovery_agree(example: ServedMesh) -> None:
    """Both forms list the same types with scope, verbs and short names."""
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    found: dict[tuple[str, str, str], Any] = {}
    for path in ("/api", "/apis"):
        document = example.request("GET", path, Accept=accept)[1]
        assert (document["kind"], document["apiVersion"]) == ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2")
        for group in document["items"]:
            for version in group["versions"]:
                for each in version["resources"]:
                    key = (group["metadata"].get("name", ""), version["version"], each["resource"])
                    found[key] = (each["scope"] == "Namespaced", each["verbs"], each.get("shortNames"))
    old: dict[tuple[str, str, str], Any] = {}
    groups = [("", "v1"), *(
        (group["name"], version["version"])
        for group in example.request("GET", "/apis")[1]["groups"]
        for version in group["versions"]
    )]  # fmt: skip
    for group, version in groups:
        path = f"/apis/{group}/{version}" if group else "/api/v1"
        for each in example.request("GET", path)[1]["resources"]:
            if "/" not in each["name"]:
                old[group, version, each["name"]] = (each["namespaced"], each["verbs"], each.get("shortNames"))
    assert old == found
    assert old["networking.istio.io", "v1", "virtualservices"] == (
        True, ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"], ["vs"],
    )  # fmt: skip


def test_openapi_lists_the_kinds(example: ServedMesh) -> None:
    """Every document of the index has schemas by group, version and kind."""
    index = example.request("GET", "/openapi/v3")[1]["paths"]
    document = example.request("GET", index["apis/networking.istio.io/v1"]["serverRelativeURL"])[1]
    schema = document["components"]["schemas"]["io.istio.networking.v1.VirtualService"]
    assert schema["x-kubernetes-group-version-kind"][0]["kind"] == "VirtualService"
    assert "definitions" in example.request("GET", "/openapi/v2")[1]


def test_objects_are_served_in_every_version_of_their_kind(example: ServedMesh) -> None:
    """One stored object is read as v1, v1beta1 and v1alpha3."""
    for version in ("v1", "v1beta1", "v1alpha3"):
        document = example.request("GET", f"/apis/networking.istio.io/{version}/virtualservices")[1]
        assert document["items"]
        assert {each["apiVersion"] for each in document["items"]} == {f"networking.istio.io/{version}"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (PODS, "spec.priority"),
        ("/api/v1/nodes", "metadata.namespace"),
        ("/apis/networking.istio.io/v1/gateways", "spec.selector"),
        (f"{PODS}?watch=true", "status.reason"),
    ],
)
def test_fields_that_select_nothing_are_refused(example: ServedMesh, path: str, field: str) -> None:
    """A selector on a field that the API server does not index is a 400 and not an empty list."""
    code, status = example.request("GET", f"{path}{'&' if '?' in path else '?'}fieldSelector={field}=x")
    assert (code, status["message"]) == (400, f"field label not supported: {field}")
    assert status["details"] == {}


@pytest.mark.parametrize(
    ("method", "path", "code", "reason"),
    [
        ("GET", "/api/v1/nothings", 404, "NotFound"),
        ("GET", "/apis/networking.istio.io/v9/gateways", 404, "NotFound"),
        ("GET", PODS + "/nobody", 404, "NotFound"),
        ("GET", "/api/v1/pods/nobody", 404, "NotFound"),
        ("GET", "/nowhere", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/shop/nodes", 404, "NotFound"),
        ("PUT", PODS, 405, "MethodNotAllowed"),
        ("POST", CONFIGMAPS, 400, "BadRequest"),
        ("GET", PODS + "?labelSelector=a+in+b", 400, "BadRequest"),
        ("GET", PODS + "?limit=many", 400, "BadRequest"),
        ("OPTIONS", PODS, 405, "MethodNotAllowed"),
        ("GET", PODS + "/web/portforward", 404, "NotFound"),
    ],
)
def test_wrong_requests_are_answered_with_a_status(
    example: ServedMesh, method: str, path: str, code: int, reason: str
) -> None:
    """Errors are Status objects under their HTTP code."""
    status, document = example.request(method, path)
    assert (status, document["kind"], document["code"], document["reason"]) == (code, "Status", code, reason)


def test_a_missing_object_is_named_in_the_words_that_users_see(example: ServedMesh) -> None:
    """The message has plural, group and name."""
    path = "/apis/apps/v1/namespaces/shop/deployments/nobody"
    assert example.request("GET", path)[1]["message"] == 'deployments.apps "nobody" not found'


def test_lists_are_read_in_pages(example: ServedMesh) -> None:
    """`limit` and `continue` give the whole list, once."""
    whole = [each["metadata"]["name"] for each in example.request("GET", "/api/v1/pods")[1]["items"]]
    names, token = [], ""
    while True:
        query = f"?limit=4&continue={token}" if token else "?limit=4"
        page = example.request("GET", f"/api/v1/pods{query}")[1]
        names += [each["metadata"]["name"] for each in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert names == whole


def test_tables_and_metadata_are_served_on_request(example: ServedMesh) -> None:
    """The Accept header chooses among objects, metadata and a table."""
    table = example.request("GET", PODS, Accept="application/json;as=Table;v=v1;g=meta.k8s.io,application/json")[1]
    assert table["kind"] == "Table"
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    accept = "application/vnd.kubernetes.protobuf,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    metadata = example.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Accept=accept)[1]
    assert metadata["kind"] == "PartialObjectMetadataList"
    assert set(metadata["items"][0]) == {"kind", "apiVersion", "metadata"}
    assert example.request("GET", PODS, Accept="application/cbor")[0] == 406


def test_an_object_lives_through_all_verbs(cluster: ServedMesh) -> None:
    """Create, read, three patches, apply, update with versions, delete."""
    status, made = cluster.request("POST", CONFIGMAPS, {"metadata": {"generateName": "c-"}, "data": {"a": "1"}})
    name = made["metadata"]["name"]
    path = f"{CONFIGMAPS}/{name}"
    assert status == 201
    assert made["metadata"]["uid"]
    assert cluster.request("POST", CONFIGMAPS, {"metadata": {"name": name}})[1]["reason"] == "AlreadyExists"
    assert cluster.request("PATCH", path, {"data": {"b": "2"}}, content=MERGE)[1]["data"] == {"a": "1", "b": "2"}
    operations = [{"op": "remove", "path": "/data/a"}]
    assert cluster.request("PATCH", path, operations, content="application/json-patch+json")[1]["data"] == {"b": "2"}
    strategic = "application/strategic-merge-patch+json"
    assert cluster.request("PATCH", path, {"data": {"b": None, "c": "3"}}, content=strategic)[1]["data"] == {"c": "3"}
    apply = b"apiVersion: v1\nkind: ConfigMap\ndata: {d: '4'}\n"
    applied = cluster.request("PATCH", f"{path}?fieldManager=me", apply, content="application/apply-patch+yaml")[1]
    assert applied["data"] == {"c": "3", "d": "4"}
    assert applied["metadata"]["managedFields"][0]["manager"] == "me"
    stale = made | {"data": {"z": "0"}}
    assert cluster.request("PUT", path, stale)[1]["reason"] == "Conflict"
    assert cluster.request("PUT", path, applied | {"data": {}})[0] == 200
    assert cluster.request("DELETE", path)[1]["status"] == "Success"
    assert cluster.request("GET", path)[0] == 404


def test_dry_runs_change_nothing(cluster: ServedMesh) -> None:
    """`dryRun=All` answers as if, and leaves no trace."""
    body = {"metadata": {"name": "dry"}}
    assert cluster.request("POST", f"{CONFIGMAPS}?dryRun=All", body)[0] == 201
    assert cluster.request("GET", f"{CONFIGMAPS}/dry")[0] == 404
    pod = first_pod(cluster)
    assert cluster.request("DELETE", f"{PODS}/{pod}?dryRun=All")[0] == 200
    assert cluster.request("GET", f"{PODS}/{pod}")[0] == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"metadata": {"name": "Upper"}}, 422),
        ({"metadata": {}}, 422),
        ({"kind": "Secret", "metadata": {"name": "a"}}, 400),
        ({"apiVersion": "v2", "metadata": {"name": "a"}}, 400),
        ({"metadata": {"name": "a", "namespace": "other"}}, 400),
        ({"metadata": {"name": "a", "labels": {"x": 1}}}, 422),
        ({"metadata": {"name": "a", "resourceVersion": "5"}}, 400),
        ([1], 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
    ],
)
def test_bodies_that_no_cluster_would_take_are_refused(cluster: ServedMesh, body: Any, code: int) -> None:
    """A wrong kind, name, namespace or form is a Status, and nothing is stored."""
    assert cluster.request("POST", CONFIGMAPS, body)[0] == code
    found = {each["metadata"]["name"] for each in cluster.request("GET", CONFIGMAPS)[1]["items"]}
    assert found == {"istio-ca-root-cert", "kube-root-ca.crt"}


def test_a_body_too_large_is_refused(cluster: ServedMesh) -> None:
    """Bodies end at three mebibytes, as a cluster's do."""
    assert cluster.raw("POST", CONFIGMAPS, b'"' + b"x" * (3 * 1024 * 1024) + b'"')[0] == 413


def test_new_kinds_are_served_as_soon_as_they_are_defined(cluster: ServedMesh) -> None:
    """A CustomResourceDefinition makes its kind; without it the kind is gone, and its objects."""
    definition = {
        "metadata": {"name": "toys.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": "Toy", "plural": "toys"},
            "versions": [{"name": "v1", "served": True, "storage": True}],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    toys = "/apis/example.com/v1/namespaces/shop/toys"
    assert cluster.request("GET", toys)[0] == 404
    assert cluster.request("POST", path, definition)[0] == 201
    assert cluster.request("POST", toys, {"metadata": {"name": "bear"}})[0] == 201
    assert cluster.request("GET", toys)[1]["kind"] == "ToyList"
    assert cluster.request("DELETE", f"{path}/toys.example.com")[0] == 200
    assert cluster.request("GET", toys)[0] == 404


def test_watches_tell_changes_as_they_happen(cluster: ServedMesh) -> None:
    """A watch shows creation, change and deletion in order, with growing versions."""
    start = cluster.request("GET", CONFIGMAPS)[1]["metadata"]["resourceVersion"]
    response = cluster.stream(f"{CONFIGMAPS}?watch=true&resourceVersion={start}&timeoutSeconds=2")
    path = f"{CONFIGMAPS}/seen"
    cluster.request("POST", CONFIGMAPS, {"metadata": {"name": "seen"}})
    cluster.request("PATCH", path, {"data": {"a": "b"}}, content=MERGE)
    cluster.request("DELETE", path)
    events = [json.loads(line) for line in response.data.splitlines()]
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))


def test_the_python_client_lists_watches_forwards_and_executes(example: ServedMesh) -> None:
    """The official client's own protocol: WebSocket channels for port-forward and exec."""
    from kubernetes import client, config, watch
    from kubernetes.stream import portforward, stream

    configuration = client.Configuration()
    config.load_kube_config(str(example.kubeconfig), client_configuration=configuration)
    api = client.CoreV1Api(client.ApiClient(configuration))
    pod = api.list_namespaced_pod("shop", label_selector="app=web").items[0].metadata.name
    seen = [each["object"].metadata.name for each in watch.Watch().stream(api.list_namespace, timeout_seconds=1)]
    assert "shop" in seen
    forward = portforward(api.connect_get_namespaced_pod_portforward, pod, "shop", ports="15000,15021")
    connection = forward.socket(15000)
    connection.settimeout(20)
    connection.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = b""
    while piece := connection.recv(4096):
        answer += piece
    assert answer.endswith(b"LIVE\n")
    command = ["pilot-agent", "request", "GET", "/ready"]
    out = stream(
        api.connect_get_namespaced_pod_exec, pod, "shop", container="istio-proxy", command=command, stdout=True
    )
    assert out == "LIVE\n"
    session = stream(
        api.connect_get_namespaced_pod_exec, pod, "shop", container="istio-proxy",
        command=["sh", "-c", "curl -sf localhost:15000/nope"], stdout=True, stderr=True, _preload_content=False,
    )  # fmt: skip
    session.run_forever(timeout=10)
    assert session.returncode == 22


def test_logs_are_text_of_a_container(example: ServedMesh) -> None:
    """The proxy's log can be read, its end alone too; a container that is not there is refused."""
    path = f"{PODS}/{first_pod(example)}/log?container=istio-proxy"
    assert b"Envoy proxy is ready" in example.raw("GET", path)[1]
    assert example.raw("GET", f"{path}&tailLines=1")[1].count(b"\n") == 1
    assert example.request("GET", f"{PODS}/{first_pod(example)}/log?container=nope")[0] == 400


def test_strangers_are_kept_out(example: ServedMesh) -> None:
    """No token is 401; another site's page, and a name that is not this machine's, are 403."""
    assert example.request("GET", "/api/v1/pods", Authorization="Bearer nonsense")[0] == 401
    assert example.request("GET", "/api/v1/pods", Origin="https://evil.example")[0] == 403
    assert example.request("GET", "/api/v1/pods", Host="evil.example")[0] == 403


def raw_exchange(served: ServedMesh, data: bytes) -> bytes:
    """Send bytes over TLS and return what comes back before the server closes or a moment has passed."""
    host, _, port = served.url.removeprefix("https://").partition(":")
    context = ssl.create_default_context(cadata=served.served.cluster.authority.root.decode())
    with (
        socket.create_connection((host, int(port)), 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        tls.settimeout(0.5)
        tls.sendall(data)
        answer = b""
        try:
            while piece := tls.recv(65536):
                answer += piece
        except (TimeoutError, OSError):
            pass
        return answer


def test_malformed_requests_never_take_it_down(example: ServedMesh) -> None:
    """Random and almost-right bytes, plain text on the TLS port, broken upgrades: the next request is answered."""
    import random

    rng = random.Random(7)
    upgrade = (
        "POST /api/v1/namespaces/shop/pods/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n"
        "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n"
    )
    pod = first_pod(example)
    shapes = [
        b"\x00" * 64,
        b"GET /api HTTP/9.9\r\n\r\n",
        b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST /api/v1/pods HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/pods HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /%ff%00/../.. HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        upgrade.format(f"{pod}/portforward", "wrong").encode(),
        upgrade.format("nobody/portforward", example.token).encode(),
        upgrade.format(f"{pod}/portforward", example.token).encode() + rng.randbytes(400),
        upgrade.format(f"{pod}/exec?command=true", example.token).encode() + rng.randbytes(400),
        upgrade.format("[", example.token).replace("127.0.0.1", "[").encode(),
    ]
    shapes += [rng.randbytes(rng.randrange(1, 300)) for _ in range(20)]
    threads = [threading.Thread(target=raw_exchange, args=(example, shape)) for shape in shapes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    host, _, port = example.url.removeprefix("https://").partition(":")
    with socket.create_connection((host, int(port)), 10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
    for path in (
        "/%2e%2e/%2e%2e",
        "/api/v1/namespaces/%00/pods",
        "/api/v1/namespaces//pods",
        "/apis//v1/x",
        "/api/v1/pods?watch=true&resourceVersion=x",
    ):
        assert 400 <= example.raw("GET", path)[0] < 500, path
    start = time.monotonic()
    assert example.request("GET", PODS)[0] == 200
    assert time.monotonic() - start < 5


def test_events_are_taken_in_both_of_their_apis(cluster: ServedMesh) -> None:
    """There are no events before a client posts one; events posted to one API are read from the other."""
    core, other = "/api/v1/namespaces/shop/events", "/apis/events.k8s.io/v1/namespaces/shop/events"
    assert cluster.request("GET", core)[1]["items"] == []
    about = {"kind": "Pod", "name": "web", "namespace": "shop"}
    event = {"metadata": {"name": "a"}, "regarding": about, "note": "hello", "reason": "Tried"}
    status, created = cluster.request("POST", other, event)
    assert (status, created["apiVersion"], created["note"]) == (201, "events.k8s.io/v1", "hello")
    found = cluster.request("GET", f"{core}?fieldSelector=involvedObject.name=web,reason=Tried")[1]["items"]
    assert [(each["apiVersion"], each["message"], each["involvedObject"]) for each in found] == [("v1", "hello", about)]
    changed = cluster.request("PATCH", f"{core}/a", {"count": 2}, content=MERGE)[1]
    assert (changed["count"], changed["message"]) == (2, "hello")
    assert cluster.request("GET", f"{other}/a")[1]["deprecatedCount"] == 2


def test_workloads_have_the_defaults_that_kubectl_reads(cluster: ServedMesh) -> None:
    """Strategies are filled in, and pods say when they and their containers started."""
    deployment = cluster.request("GET", "/apis/apps/v1/namespaces/shop/deployments/web")[1]
    assert deployment["spec"]["strategy"]["type"] == "RollingUpdate"
    status = cluster.request("GET", f"{PODS}/{first_pod(cluster)}")[1]["status"]
    states = [
        state
        for each in (*status["containerStatuses"], *status["initContainerStatuses"])
        for state in each["state"].values()
    ]
    assert {state["startedAt"] for state in states} == {status["startTime"]}


def test_objects_are_held_to_the_schema_of_their_kind(cluster: ServedMesh) -> None:
    """With or without webhooks, a wrong type is refused by its field; what no schema names is refused or dropped."""
    istio = "/apis/networking.istio.io/v1/namespaces/shop"
    wrong = {"metadata": {"name": "wrong"}, "spec": {"hosts": "web"}}
    status, answer = cluster.request("POST", f"{istio}/virtualservices", wrong)
    assert (status, answer["reason"]) == (422, "Invalid")
    assert answer["message"].endswith('spec.hosts: Invalid value: must be a list, not "web"')
    entry = {"metadata": {"name": "wrong"}, "spec": {"address": 5, "labels": "x"}}
    fields = {
        each["field"] for each in cluster.request("POST", f"{istio}/workloadentries", entry)[1]["details"]["causes"]
    }
    assert fields == {"spec.address", "spec.labels"}
    service = {"metadata": {"name": "wrong"}, "spec": {"ports": "x"}}
    assert cluster.request("POST", "/api/v1/namespaces/shop/services", service)[0] == 400
    unknown = {"metadata": {"name": "unknown"}, "spec": {"hosts": ["web"], "htpp": [], "http": [{"route": [
        {"destination": {"host": "web"}}]}]}}  # fmt: skip
    status, answer = cluster.request("POST", f"{istio}/virtualservices?fieldValidation=Strict", unknown)
    assert (status, answer["message"].endswith('strict decoding error: unknown field "spec.htpp"')) == (400, True)
    warning = cluster.sent("POST", f"{istio}/virtualservices", unknown)["Warning"]
    assert warning == r'299 - "unknown field \"spec.htpp\""'
    assert "htpp" not in cluster.request("GET", f"{istio}/virtualservices/unknown")[1]["spec"]
