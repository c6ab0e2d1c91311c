"""istiod's injection webhook as the API server or istioctl asks it."""

import base64
import json
from typing import Any

import pytest

from simulator.apiserver.injection_webhook import answer
from simulator.apiserver.patches import json_patch
from simulator.apiserver.simulated import SimulatedWorld, installed

STATE = SimulatedWorld(installed(())).state
POD: Any = {"metadata": {"labels": {"app": "toy"}}, "spec": {"containers": [{"name": "toy", "image": "toy"}]}}


def ask(pod: Any, *, namespace: str = "shop") -> Any:
    """Ask about a pod and return the response."""
    request = {"uid": "7", "namespace": namespace, "object": pod}
    body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()
    page = answer(STATE, "/inject", body, revision="default")
    assert page.status == 200
    return json.loads(page.body)["response"]


def test_a_pod_gets_its_proxy() -> None:
    """The patch makes of a pod what a cluster would start."""
    response = ask(POD)
    assert (response["uid"], response["allowed"], response["patchType"]) == ("7", True, "JSONPatch")
    pod = json_patch(POD, json.loads(base64.b64decode(response["patch"])))
    names = {each["name"] for field in ("containers", "initContainers") for each in pod["spec"][field]}
    assert names == {"toy", "istio-init", "istio-proxy"}
    assert "sidecar.istio.io/status" in pod["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("change", "namespace"),
    [
        ({"spec": POD["spec"] | {"hostNetwork": True}}, "shop"),
        ({"metadata": {"labels": {"sidecar.istio.io/inject": "false"}}}, "shop"),
        ({}, "kube-system"),
    ],
)
def test_who_is_left_alone(change: Any, namespace: str) -> None:
    """Pods on the host's network, that refuse, or of system namespaces are allowed as they are."""
    assert ask(POD | change, namespace=namespace) == {"uid": "7", "allowed": True}


def test_a_pod_with_a_wrong_annotation_is_refused() -> None:
    """The webhook says which value it cannot use, in istiod's words."""
    response = ask(POD | {"metadata": {"annotations": {"status.sidecar.istio.io/port": "high"}}})
    assert not response["allowed"]
    assert response["status"]["message"].startswith(
        "failed to run injection template: 1 error occurred:\n\t* invalid value 'high' for annotation "
    )


@pytest.mark.parametrize(("path", "body", "status"), [("/inject", b"", 400), ("/validate", b"{}", 404)])
def test_other_requests_are_refused(path: str, body: bytes, status: int) -> None:
    """A request that is not a review gets no review as its answer."""
    assert answer(STATE, path, body, revision="default").status == status
