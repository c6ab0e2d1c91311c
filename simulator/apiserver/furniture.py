"""Objects that every cluster has without manifests: system namespaces, default accounts and roles, CRDs.

Where Istio is installed, they include the objects about injection that istioctl looks for before it asks istiod. All
are visible through the API only: the mesh is derived without them, so that a served mesh is configured exactly as the
same manifests are without a server.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from simulator.apiserver.definitions import definitions
from simulator.manifests.control_plane import revisions
from simulator.manifests.injector import find_injectors
from simulator.manifests.webhook_objects import revision_webhooks
from simulator.model.resources import Resource
from simulator.model.wire import Json

KUBERNETES_ROOT, ISTIO_ROOT = "kube-root-ca.crt", "istio-ca-root-cert"
"""ConfigMaps in every namespace, with the root certificates of the API server and of the mesh."""
_SYSTEM = ("default", "kube-node-lease", "kube-public", "kube-system")


def furniture(
    resources: Sequence[Resource], *, roots: Mapping[str, str], istio_namespace: str = "istio-system"
) -> Iterator[Json]:
    """Yield the documents that a cluster has besides `resources`, including those that `resources` have themselves.

    `roots` has the root certificates that every namespace gets: PEM by the name of its ConfigMap.
    """
    named = {resource.namespace for resource in resources if resource.namespace}
    named |= {resource.name for resource in resources if resource.kind == "Namespace"}
    for name in sorted(named.union(_SYSTEM)):
        yield from namespace(name, roots=roots)
    yield from (_lease(resource.name) for resource in resources if resource.kind == "Node")
    yield from definitions()
    yield from _roles()
    yield _kubernetes_service()
    if has_istiod(resources):
        values = find_injectors(resources, nodes=()).injector("default").values
        yield from injection(istio_namespace, values)
        yield from revision_webhooks(revisions(resources))


def has_istiod(resources: Sequence[Resource]) -> bool:
    """Tell whether a control plane is installed: an istiod runs, or has a Deployment."""
    return any(
        (one.kind == "Pod" and one.labels.get("app") == "istiod")
        or (one.kind == "Deployment" and one.name.startswith("istiod"))
        for one in resources
    )


def namespace(name: str, *, roots: Mapping[str, str]) -> Iterable[Json]:
    """Return a namespace with what controllers put into it: the default account and the root certificates."""
    yield {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
    for root, pem in roots.items():
        field = "ca.crt" if root == KUBERNETES_ROOT else "root-cert.pem"
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": root, "namespace": name},
            "data": {field: pem},
        }


def _lease(node: str) -> Json:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": node, "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": node, "leaseDurationSeconds": 40},
    }


def _kubernetes_service() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.96.0.1",
            "clusterIPs": ["10.96.0.1"],
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
        },
    }


def _roles() -> Iterator[Json]:
    every = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}]
    read = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    for name, rules in (("cluster-admin", every), ("view", read)):
        yield {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
            "rules": rules,
        }
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "cluster-admin", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:masters"}],
    }


def injection(istio_namespace: str, values: Json) -> Iterator[Json]:
    """Return the objects about injection that istioctl reads: the injector's values, and the webhooks of revisions."""
    yield _injector_values(istio_namespace, values)
    for name, tag in (("istio-sidecar-injector", ""), ("istio-revision-tag-default", "default")):
        yield _webhook(istio_namespace, name, tag)
    yield from _validators(istio_namespace)


def _validators(istio_namespace: str) -> Iterator[Json]:
    """Return the webhooks that validate Istio's objects: that of the revision in their label, else the default one."""
    own = {"key": "istio.io/rev", "operator": "In", "values": ["default"]}
    none = {"key": "istio.io/rev", "operator": "DoesNotExist"}
    groups = [f"{each}.istio.io" for each in ("security", "networking", "telemetry", "extensions")]
    rule = {"operations": ["CREATE", "UPDATE"], "apiGroups": groups, "apiVersions": ["*"], "resources": ["*"]}
    service = {"name": "istiod", "namespace": istio_namespace, "path": "/validate", "port": 443}
    for name, webhook, selected in (
        (f"istio-validator-{istio_namespace}", "rev.validation.istio.io", own),
        ("istiod-default-validator", "validation.istio.io", none),
    ):
        labels = {"app": "istiod", "istio": "istiod", "istio.io/rev": "default", "release": "istio"}
        yield {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name, "labels": labels},
            "webhooks": [
                {
                    "name": webhook,
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": {"service": service},
                    "failurePolicy": "Fail",
                    "sideEffects": "None",
                    "rules": [rule],
                    "objectSelector": {"matchExpressions": [selected]},
                }
            ],
        }


def _injector_values(istio_namespace: str, values: Json) -> Json:
    labels = {"istio.io/rev": "default", "release": "istio"}
    metadata = {"name": "istio-sidecar-injector", "namespace": istio_namespace, "labels": labels}
    data = {"config": "policy: enabled\n", "values": json.dumps(values | {"revision": ""})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _webhook(istio_namespace: str, name: str, tag: str) -> Json:
    labels = {"app": "sidecar-injector", "istio.io/rev": "default"} | ({"istio.io/tag": tag} if tag else {})
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name, "labels": labels},
        "webhooks": _tagged_webhooks(istio_namespace) if tag else [_deactivated(istio_namespace)],
    }


def _hook(istio_namespace: str, name: str, namespaces: Json, objects: Json) -> Json:
    return {
        "name": name,
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": {"name": "istiod", "namespace": istio_namespace, "path": "/inject", "port": 443}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
        "namespaceSelector": namespaces,
        "objectSelector": objects,
    }


def _deactivated(istio_namespace: str) -> Json:
    never = {"matchLabels": {"istio.io/deactivated": "never-match"}}
    return _hook(istio_namespace, "namespace.sidecar-injector.istio.io", never, never)


def _tagged_webhooks(istio_namespace: str) -> list[Json]:
    enabled = {"key": "istio-injection", "operator": "In", "values": ["enabled"]}
    unlabelled = [
        {"key": "istio-injection", "operator": "DoesNotExist"},
        {"key": "istio.io/rev", "operator": "DoesNotExist"},
    ]
    not_false = {"key": "sidecar.istio.io/inject", "operator": "NotIn", "values": ["false"]}
    true = {"key": "sidecar.istio.io/inject", "operator": "In", "values": ["true"]}
    no_revision = {"key": "istio.io/rev", "operator": "DoesNotExist"}
    return [
        _hook(
            istio_namespace,
            "namespace.sidecar-injector.istio.io",
            {"matchExpressions": [enabled]},
            {"matchExpressions": [not_false]},
        ),
        _hook(
            istio_namespace,
            "object.sidecar-injector.istio.io",
            {"matchExpressions": unlabelled},
            {"matchExpressions": [true, no_revision]},
        ),
    ]
