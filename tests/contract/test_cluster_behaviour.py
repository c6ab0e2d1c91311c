"""The controllers' behaviour in a served cluster, as in a real one."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

from tests.contract.serving import ServedMesh

PODS = "/api/v1/namespaces/shop/pods"
SYSTEM = "/api/v1/namespaces/istio-system"
MERGE = "application/merge-patch+json"


def eventually(test: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Return what a test gives once it gives something true."""
    deadline = time.monotonic() + seconds
    while not (found := test()):
        assert time.monotonic() < deadline, "did not come about"
        time.sleep(0.05)
    return found


def names(served: ServedMesh, path: str) -> set[str]:
    """Return the names of a list."""
    return {each["metadata"]["name"] for each in served.request("GET", path)[1]["items"]}


def test_deleted_control_plane_does_not_come_back(cluster: ServedMesh) -> None:
    """istiod's Service and its namespace stay deleted although the manifests never had an istiod."""
    assert cluster.request("DELETE", f"{SYSTEM}/services/istiod")[0] == 200
    body = {"metadata": {"name": "extra"}, "spec": {"ports": [{"port": 80}]}}
    assert cluster.request("POST", "/api/v1/namespaces/shop/services", body)[0] == 201
    eventually(lambda: "clusterIP" in cluster.request("GET", "/api/v1/namespaces/shop/services/extra")[1]["spec"])
    assert "istiod" not in names(cluster, f"{SYSTEM}/services")
    assert cluster.request("DELETE", SYSTEM)[0] == 200
    assert cluster.request("DELETE", f"{PODS}?labelSelector=app=web")[0] == 200
    eventually(lambda: len(names(cluster, PODS)) == 2)
    assert names(cluster, f"{SYSTEM}/pods") == set()


def test_service_named_like_istiod_leaves_the_control_plane_alone(cluster: ServedMesh) -> None:
    """A revision tag's Service in istio-system, as `istioctl tag set` makes one, replaces nothing."""
    before = cluster.request("GET", f"{SYSTEM}/pods?labelSelector=app=istiod")[1]["items"][0]["metadata"]
    body = {"metadata": {"name": "istiod-revision-tag-prod"}, "spec": {"ports": [{"port": 15012}]}}
    assert cluster.request("POST", f"{SYSTEM}/services", body)[0] == 201
    path = f"{SYSTEM}/services/istiod-revision-tag-prod"
    eventually(lambda: "clusterIP" in cluster.request("GET", path)[1]["spec"])
    after = cluster.request("GET", f"{SYSTEM}/pods?labelSelector=app=istiod")[1]["items"][0]["metadata"]
    assert after["uid"] == before["uid"]
    assert after["creationTimestamp"] == before["creationTimestamp"]


def test_deleted_pod_is_followed_by_another(cluster: ServedMesh) -> None:
    """A pod that a user labelled has a successor with an address and a proxy when it is deleted."""
    first, second = sorted(names(cluster, PODS))
    label = {"metadata": {"labels": {"watched": "yes"}}}
    assert cluster.request("PATCH", f"{PODS}/{first}", label, content=MERGE)[0] == 200
    assert cluster.request("DELETE", f"{PODS}/{first}")[0] == 200
    found = eventually(lambda: names(cluster, PODS) - {first, second})
    pod = eventually(lambda: cluster.request("GET", f"{PODS}/{found.copy().pop()}")[1])
    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["podIP"]
    assert pod["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
    assert "istio-proxy" in {each["name"] for each in pod["spec"]["initContainers"]}
    scale = "/apis/apps/v1/namespaces/shop/deployments/web"
    assert cluster.request("PATCH", scale, {"spec": {"replicas": 0}}, content=MERGE)[0] == 200
    eventually(lambda: not names(cluster, PODS))


def test_proxies_hold_certificates_of_the_meshs_own_ca(cluster: ServedMesh) -> None:
    """A workload's certificate names its identity, is signed by the root beside it, and comes without its key."""
    from cryptography import x509

    pod = sorted(names(cluster, PODS))[0]
    dump = json.loads(cluster.raw("GET", f"{PODS}/{pod}:15000/proxy/config_dump")[1])
    (section,) = [each for each in dump["configs"] if each["@type"].endswith("SecretsConfigDump")]
    secrets = {each["name"]: each["secret"] for each in section["dynamic_active_secrets"]}
    own = secrets["default"]["tls_certificate"]
    leaf, root = x509.load_pem_x509_certificates(base64.b64decode(own["certificate_chain"]["inline_bytes"]))
    names_of = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names_of.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://cluster.local/ns/shop/sa/default"]
    leaf.verify_directly_issued_by(root)
    trusted = base64.b64decode(secrets["ROOTCA"]["validation_context"]["trusted_ca"]["inline_bytes"])
    assert x509.load_pem_x509_certificate(trusted) == root
    assert base64.b64decode(own["private_key"]["inline_bytes"]) == b"[redacted]"
    page = json.loads(cluster.raw("GET", f"{PODS}/{pod}:15000/proxy/certs")[1])
    assert page["certificates"][0]["cert_chain"][0]["serial_number"] == f"{leaf.serial_number:x}"


def test_istiod_does_not_send_a_workloads_own_certificate(cluster: ServedMesh) -> None:
    """istiod's dump of what it sent has no secret that the agent serves."""
    istiod = sorted(name for name in names(cluster, f"{SYSTEM}/pods") if name.startswith("istiod"))[0]
    pod = sorted(names(cluster, PODS))[0]
    path = f"{SYSTEM}/pods/{istiod}:15014/proxy/debug/config_dump?proxyID={pod}.shop"
    dump = json.loads(cluster.raw("GET", path)[1])
    (section,) = [each for each in dump["configs"] if each["@type"].endswith("SecretsConfigDump")]
    assert "dynamic_active_secrets" not in section


def virtual_service(name: str, **http: Any) -> Any:
    """Return a VirtualService with one HTTP route."""
    return {"metadata": {"name": name}, "spec": {"hosts": ["web"], "http": [http]}}


SERVICES = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices"


def test_istiod_refuses_invalid_configuration(cluster: ServedMesh) -> None:
    """Objects that the webhook denies are not stored, on create, update and dry run; statuses are not validated."""
    good = virtual_service("web", route=[{"destination": {"host": "web"}}])
    bad = virtual_service("web", route=[{"destination": {"host": "web"}}], timeout="-1s")
    code, status = cluster.request("POST", SERVICES, bad)
    assert code == 400
    assert status["message"].startswith('admission webhook "validation.istio.io" denied the request: configuration is')
    assert cluster.request("POST", f"{SERVICES}?dryRun=All", bad)[0] == 400
    assert cluster.request("POST", SERVICES, good)[0] == 201
    assert cluster.request("PATCH", f"{SERVICES}/web", {"spec": bad["spec"]}, content=MERGE)[0] == 400
    assert cluster.request("PATCH", f"{SERVICES}/web", {"metadata": {"labels": {"a": "b"}}}, content=MERGE)[0] == 200


def test_warnings_reach_the_client(cluster: ServedMesh) -> None:
    """An object with istiod's warnings is stored, and the warnings are in the header that kubectl prints."""
    route = {"destination": {"host": "web"}}
    rules = {"metadata": {"name": "web"}, "spec": {"hosts": ["web"], "http": [{"route": [route]}, {"route": [route]}]}}
    headers = cluster.sent("POST", SERVICES, rules)
    assert headers["Warning"].startswith('299 - "')


def test_no_istiod_no_admission(cluster: ServedMesh) -> None:
    """Without an istiod the webhook fails, as its policy says; without the webhook, anything is stored."""
    bad = virtual_service("web", route=[{"destination": {"host": "web"}}], timeout="-1s")
    assert cluster.request("DELETE", f"{SYSTEM}/services/istiod")[0] == 200
    code, status = cluster.request("POST", SERVICES, bad)
    assert code == 500
    assert 'failed calling webhook "validation.istio.io"' in status["message"]
    group = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    assert cluster.request("DELETE", f"{group}/istiod-default-validator")[0] == 200
    assert cluster.request("POST", SERVICES, bad)[0] == 201


def test_namespaces_trust_the_roots(cluster: ServedMesh) -> None:
    """Every namespace, a new one too, finds the roots of the API server and of the mesh."""
    assert cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": "fresh"}})[0] == 201
    for namespace in ("shop", "fresh"):
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        api = cluster.request("GET", f"{path}/kube-root-ca.crt")[1]["data"]["ca.crt"]
        assert api == cluster.served.cluster.authority.root.decode()
        mesh = cluster.request("GET", f"{path}/istio-ca-root-cert")[1]["data"]["root-cert.pem"]
        assert mesh.startswith("-----BEGIN CERTIFICATE-----")
        assert mesh != api


def test_token_secrets_are_filled(cluster: ServedMesh) -> None:
    """A secret that asks for the token of an account gets one that holds, with the root beside it."""
    annotations = {"kubernetes.io/service-account.name": "default"}
    body = {"metadata": {"name": "token", "annotations": annotations}, "type": "kubernetes.io/service-account-token"}
    assert cluster.request("POST", "/api/v1/namespaces/shop/secrets", body)[0] == 201
    data = cluster.request("GET", "/api/v1/namespaces/shop/secrets/token")[1]["data"]
    token = base64.b64decode(data["token"]).decode()
    review = {"spec": {"token": token}}
    status = cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)[1]["status"]
    assert status["user"]["username"] == "system:serviceaccount:shop:default"
    assert base64.b64decode(data["ca.crt"]) == cluster.served.cluster.authority.root


def test_what_is_not_simulated_says_so(cluster: ServedMesh) -> None:
    """A pod's processes cannot be attached to, nor can containers be added to it: the answer names that."""
    pod = sorted(names(cluster, PODS))[0]
    for subresource in ("attach", "ephemeralcontainers"):
        code, status = cluster.request("GET", f"{PODS}/{pod}/{subresource}")
        assert (code, status["reason"]) == (404, "NotFound")
        assert f"pods/{subresource} is not simulated" in status["message"]


def test_cordoned_node_is_not_the_only_one(cluster: ServedMesh) -> None:
    """Changing one node leaves the others, and pods where they are."""
    before = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in cluster.request("GET", PODS)[1]["items"]}
    nodes = names(cluster, "/api/v1/nodes")
    cordon = {"spec": {"unschedulable": True}}
    assert cluster.request("PATCH", "/api/v1/nodes/node-1", cordon, content=MERGE)[0] == 200
    body = {"metadata": {"name": "extra"}, "spec": {"ports": [{"port": 80}]}}
    assert cluster.request("POST", "/api/v1/namespaces/shop/services", body)[0] == 201
    eventually(lambda: "clusterIP" in cluster.request("GET", "/api/v1/namespaces/shop/services/extra")[1]["spec"])
    assert names(cluster, "/api/v1/nodes") == nodes
    after = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in cluster.request("GET", PODS)[1]["items"]}
    assert after == before


def test_odd_objects_do_no_harm(cluster: ServedMesh) -> None:
    """A type that no rule expects is the client's error; a row that cannot be shown leaves the others."""
    refused = {
        SERVICES: {"metadata": {"name": "odd"}, "spec": "none"},
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": {
            "metadata": {"name": "odds.test"},
            "spec": {"group": "test", "names": 7, "versions": [{"name": "v1"}]},
        },
    }
    for path, body in refused.items():
        code, status = cluster.request("POST", path, body)
        assert (code, status["reason"]) == (400, "BadRequest"), status
    path = "/api/v1/namespaces/shop/services"
    body = {"metadata": {"name": "odd"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
    assert cluster.request("POST", path, body)[0] == 201
    cluster.request("PATCH", f"{path}/odd/status", {"status": {"loadBalancer": [1]}}, content=MERGE)
    rows = cluster.request("GET", path, Accept="application/json;as=Table;v=v1;g=meta.k8s.io")[1]["rows"]
    assert {row["cells"][0] for row in rows} >= {"web", "odd"}


def test_deployments_have_revisions(cluster: ServedMesh) -> None:
    """Each template is a ReplicaSet of its own with a number; one that comes back is the newest."""
    deployments, sets = (f"/apis/apps/v1/namespaces/shop/{kind}" for kind in ("deployments", "replicasets"))

    def revisions() -> dict[str, tuple[str, int]]:
        return {
            each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: (
                each["spec"]["template"]["spec"]["containers"][0]["image"],
                each["spec"]["replicas"],
            )
            for each in cluster.request("GET", sets)[1]["items"]
        }

    owner = cluster.request("GET", f"{deployments}/web")[1]["metadata"]
    current = cluster.request("GET", sets)[1]["items"][0]["metadata"]
    assert current["ownerReferences"][0]["uid"] == owner["uid"]
    assert revisions() == {"1": ("web:1", 2)}
    for image, expected in (
        ("web:2", {"1": ("web:1", 0), "2": ("web:2", 2)}),
        ("web:1", {"2": ("web:2", 0), "3": ("web:1", 2)}),
    ):
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
        assert cluster.request("PATCH", f"{deployments}/web", patch, content="application/json-patch+json")[0] == 200
        eventually(lambda expected=expected: revisions() == expected)  # type: ignore[misc]
    annotations = cluster.request("GET", f"{deployments}/web")[1]["metadata"]["annotations"]
    assert annotations["deployment.kubernetes.io/revision"] == "3"
    assert cluster.request("DELETE", f"{deployments}/web")[0] == 200
    eventually(lambda: not revisions())
