"""istiod's injection webhook (15017): takes an AdmissionReview of a pod, returns a patch that adds its proxy.

`istioctl kube-inject` calls it through a port-forward. istiod: pkg/kube/inject/webhook.go (serveInject).
"""

import base64
import json
from collections.abc import Sequence
from typing import Any

from simulator.istiod.pages import Page, document, text
from simulator.manifests.annotation_values import complaints
from simulator.manifests.injection import Webhook, decide
from simulator.manifests.injector import Injectors, find_injectors
from simulator.manifests.owners import WorkloadMeta, workload_of
from simulator.manifests.webhook import inject
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation.problems import error, joined

PORT = 15017


def answer(resources: Sequence[Resource], path: str, body: bytes, *, revision: str) -> Page:
    """Answer a request to the webhook port of a revision's istiod."""
    if not path.startswith("/inject"):
        return text("404 page not found\n", status=404)
    try:
        review = json.loads(body)
        request = review["request"]
        pod = dict(request["object"])
    except (ValueError, KeyError, TypeError):
        return text("no body found\n", status=400)
    nodes = [one for one in resources if one.kind == "Node"]
    response = _response(find_injectors(resources, nodes=nodes), request, pod, revision=revision)
    head = {"apiVersion": review.get("apiVersion", "admission.k8s.io/v1"), "kind": "AdmissionReview"}
    return document(head | {"response": {"uid": request.get("uid", "")} | response})


def _response(injectors: Injectors, request: Json, pod: Json, *, revision: str) -> Json:
    metadata = pod.get("metadata") or {}
    namespace = str(request.get("namespace") or metadata.get("namespace") or "default")
    asked = Webhook(configuration="", name="", revision=revision, namespace_selector={}, object_selector={})
    policies = {name: each.policy for name, each in injectors.by_revision.items()}
    decision = decide(pod, namespace=namespace, namespace_labels={}, webhooks=[asked], policies=policies)
    if not decision.injected:
        return {"allowed": True}
    if wrong := complaints(metadata.get("annotations") or {}):
        return {
            "allowed": False,
            "status": {"message": f"failed to run injection template: {joined(map(error, wrong))}"},
        }
    injector = injectors.injector(revision)
    node = str((pod.get("spec") or {}).get("nodeName") or "")
    native = injectors.uses_native_sidecars(injector, node_name=node)
    made = inject(pod, namespace=namespace, injector=injector, native=native, workload=_workload(pod))
    return {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(_patch(pod, made.pod)).decode()}


def _workload(pod: Json) -> WorkloadMeta | None:
    """Return the owner of a pod template that does not name it itself."""
    return workload_of(pod) if (pod.get("metadata") or {}).get("ownerReferences") else None


def _patch(before: Json, after: Json) -> bytes:
    operations: list[Any] = [
        {"op": "replace" if field in before else "add", "path": f"/{field}", "value": value}
        for field, value in after.items()
        if before.get(field) != value
    ]
    return json.dumps(operations).encode()
