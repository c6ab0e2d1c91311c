from pathlib import Path

from simulator.manifests import cluster_state, read_manifests

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "shop"


def test_the_example_is_a_whole_mesh() -> None:
    """The example is read without reservations, and of its three namespaces one has no proxies."""
    state = cluster_state(read_manifests([str(EXAMPLE / "base")]))
    pods = [one for one in state.resources if one.kind == "Pod" and one.namespace != "istio-system"]
    with_proxy = {pod.namespace for pod in pods if "sidecar.istio.io/status" in pod.annotations}
    assert state.caveats == ()
    assert with_proxy == {"shop", "payments"}
    assert {pod.namespace for pod in pods} - with_proxy == {"warehouse"}


def test_every_service_of_the_example_has_endpoints() -> None:
    """No Service of the example leads nowhere."""
    state = cluster_state(read_manifests([str(EXAMPLE / "base")]))
    served = {
        (one.namespace, one.labels["kubernetes.io/service-name"])
        for one in state.resources
        if one.kind == "EndpointSlice" and one.document["endpoints"]
    }
    services = {(one.namespace, one.name) for one in state.resources if one.kind == "Service"}
    assert services - served == {("kube-system", "kube-dns")}


def test_the_change_replaces_what_is_there() -> None:
    """The example's change edits objects of the mesh and adds none."""
    base = {one.ref for one in read_manifests([str(EXAMPLE / "base")])}
    change = {one.ref for one in read_manifests([str(EXAMPLE / "change")])}
    assert change
    assert change <= base
