from simulator.manifests.reading import parse_manifests
from simulator.manifests.state import ClusterState, cluster_state
from simulator.model.caveats import CaveatKind

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: app, image: web}]}
"""
STATED = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"


def state(text: str, *inject: str) -> ClusterState:
    """Complete manifests given as text."""
    return cluster_state(parse_manifests(text), inject=inject)


def proxies(found: ClusterState) -> int:
    """Count the pods of the shop that have a sidecar."""
    pods = (each for each in found.resources if each.kind == "Pod" and each.namespace == "shop")
    return sum("istio-proxy" in str(pod.spec) for pod in pods)


def test_a_namespace_that_no_manifest_states_is_told() -> None:
    """Pods without a sidecar for want of a Namespace are a caveat that says what to do."""
    found = state(POD)
    assert proxies(found) == 0
    (caveat,) = [each for each in found.caveats if each.kind is CaveatKind.INCOMPLETE]
    assert "--inject shop" in caveat.message


def test_a_stated_namespace_means_what_it_says() -> None:
    """A Namespace among the manifests without labels is outside the mesh on purpose, so there is no caveat."""
    assert not [each for each in state(POD + STATED).caveats if each.kind is CaveatKind.INCOMPLETE]


def test_inject_takes_namespaces_for_labelled() -> None:
    """A named namespace, stated or not, and with `*` every silent one, is injected."""
    assert proxies(state(POD, "shop")) == 1
    assert proxies(state(POD + STATED, "shop")) == 1
    assert proxies(state(POD, "*")) == 1
    assert proxies(state(POD, "elsewhere")) == 0
