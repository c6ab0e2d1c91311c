"""MutatingWebhookConfigurations that installing a revision creates, for manifests that leave them out.

istiod: manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml. Manifests that bring a mesh
config or an istiod seldom bring its webhooks, yet those are what injects their pods.
"""

from collections.abc import Iterable, Iterator, Sequence

from simulator.manifests import control_plane
from simulator.manifests.injection import REVISION, standard_webhooks
from simulator.manifests.injector import Injectors
from simulator.manifests.placement import SYNTHETIC
from simulator.model.resources import Resource
from simulator.model.wire import Json

KIND = "MutatingWebhookConfiguration"
_API = "admissionregistration.k8s.io/v1"


def missing_webhooks(resources: Sequence[Resource], injectors: Injectors) -> Iterator[Resource]:
    """Yield the configurations of every revision, where manifests bring a control plane and no configuration."""
    if not control_plane.is_own(resources) or any(one.kind == KIND for one in resources):
        return
    if "default" in injectors.by_revision:
        yield from (one for one in control_plane.default_control_plane() if one.kind == KIND)
    for document in revision_webhooks(injectors.by_revision):
        name = document["metadata"]["name"]
        yield Resource(kind=KIND, api_version=_API, namespace="", name=name, document=document, origin=SYNTHETIC)


def revision_webhooks(revisions: Iterable[str]) -> Iterator[Json]:
    """Yield the configuration of each revision except `default`, whose configuration is that of a tag."""
    for revision in revisions:
        if revision == "default":
            continue
        hooks = standard_webhooks(revision)
        yield {
            "apiVersion": _API,
            "kind": KIND,
            "metadata": {
                "name": hooks[0].configuration,
                "labels": {"app": "sidecar-injector", REVISION: revision},
            },
            "webhooks": [
                {
                    "name": hook.name,
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": {"service": _service(revision)},
                    "failurePolicy": "Fail",
                    "sideEffects": "None",
                    "rules": [
                        {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
                    ],
                    "namespaceSelector": hook.namespace_selector,
                    "objectSelector": hook.object_selector,
                }
                for hook in hooks
            ],
        }


def _service(revision: str) -> Json:
    return {"name": f"istiod-{revision}", "namespace": control_plane.NAMESPACE, "path": "/inject", "port": 443}
