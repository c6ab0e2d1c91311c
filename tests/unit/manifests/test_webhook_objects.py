"""Injection webhooks of manifests that bring a control plane and not its webhooks."""

from simulator.manifests.injection import configured_webhooks
from simulator.manifests.reading import parse_manifests
from simulator.manifests.state import cluster_state

MESH_CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "accessLogFile: /dev/stdout"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio-canary, namespace: istio-system}
data: {mesh: "{}"}
"""
OWN = """
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: own}
webhooks: []
"""
POD = """
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {nodeName: one, containers: [{name: app, image: web}]}
status: {phase: Running, podIP: 10.0.0.7}
"""


def names(text: str, *, control_plane: bool = True) -> list[str]:
    """Return the webhook configurations of a completed state."""
    found = cluster_state(parse_manifests(text), control_plane=control_plane).resources
    return [one.name for one in found if one.kind == "MutatingWebhookConfiguration"]


def test_each_revision_has_its_webhooks() -> None:
    """The webhooks that inject pods are visible: the default profile's for the default revision, one for each other."""
    expected = ["istio-revision-tag-default", "istio-sidecar-injector", "istio-sidecar-injector-canary"]
    assert names(MESH_CONFIG) == expected
    made = cluster_state(parse_manifests(MESH_CONFIG)).resources
    canary = [hook for hook in configured_webhooks(made) if hook.revision == "canary"]
    assert any(hook.matches(namespace_labels={"istio.io/rev": "canary"}, pod_labels={}) for hook in canary)


def test_what_is_there_is_all_there_is() -> None:
    """Webhooks of the manifests' own, and states of clusters, get no others."""
    assert names(MESH_CONFIG + OWN) == ["own"]
    assert names(MESH_CONFIG + POD) == []
    assert names(MESH_CONFIG, control_plane=False) == []
