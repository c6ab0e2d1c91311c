import json
from pathlib import Path
from typing import Any

import pytest

from simulator.manifests import cluster_state, read_manifests
from simulator.model.resources import Resource
from simulator.model.wire import Json

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "goldens" / "xds"
SCENARIOS = (
    *("baseline-sidecar", "dual-stack", "egress-gateway", "endpoint-states", "headless-statefulset", "ipv6-only"),
    *("kgw-manual-deployment", "mesh-config", "multi-network", "nodeport-loadbalancer", "pod-annotations"),
    *("proxy-config", "sidecar-capture-none", "waypoint-workload"),
)
_OWN_METADATA = frozenset({"pod-template-hash", "apps.kubernetes.io/pod-index"})
_MERGE_OF_OWN_PORT = "prometheus.io/port"  # the recorder injected without a webhook, where the pod's own port wins

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded scenarios are not beside the project")


def identity(resource: Resource) -> tuple[str, str, str, str]:
    """Return the identity of a resource."""
    return resource.kind, resource.group, resource.namespace, resource.name


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_recorded_state_is_taken_as_it_is(scenario: str) -> None:
    """A whole cluster's objects gain nothing but the namespaces they live in, and none of them changes."""
    given = read_manifests([str(RECORDED / scenario / "state.yaml")])
    state = {identity(one): one.document for one in cluster_state(given).resources}
    before = {identity(one): one.document for one in given}
    assert {key for key in state.keys() - before.keys() if key[0] != "Namespace"} == set()
    assert {key: state[key] for key in before} == before


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_pods_are_injected_as_the_real_injector_does(scenario: str) -> None:
    """Pods made of the workloads have the labels, annotations and containers of those that were recorded."""
    recorded = read_manifests([str(RECORDED / scenario / "state.yaml")])
    expected = injected_pods(recorded)
    made = injected_pods(cluster_state(raw(scenario, recorded)).resources)
    assert made.keys() == expected.keys()
    for owner, pod in expected.items():
        assert comparable(made[owner]) == comparable(pod), owner


def raw(scenario: str, recorded: tuple[Resource, ...]) -> list[Resource]:
    """Return what a user wrote, on top of the recorded control plane."""
    paths = [RECORDED / scenario / name for name in ("workloads.yaml", "config.yaml")]
    written = list(read_manifests([str(path) for path in paths if path.stat().st_size]))
    present = {identity(one) for one in written}
    kinds = ("ConfigMap", "Deployment", "Namespace", "Node", "Service")
    control_plane = [one for one in recorded if one.kind in kinds and one.namespace in ("istio-system", "")]
    return [*written, *(one for one in control_plane if identity(one) not in present)]


def injected_pods(resources: tuple[Resource, ...]) -> dict[tuple[str, str], Resource]:
    """Return one injected pod of each owner."""
    found = {}
    for pod in resources:
        if pod.kind == "Pod" and "sidecar.istio.io/status" in pod.annotations:
            owner = pod.metadata["ownerReferences"][0]["name"]
            found[pod.namespace, owner.removesuffix("-" + pod.labels.get("pod-template-hash", ""))] = pod
    return found


def comparable(pod: Resource) -> Json:
    """Drop what is the recorder's choice: images, resources, mounts, the order of fields and of containers."""
    containers = [*(pod.spec.get("containers") or ()), *(pod.spec.get("initContainers") or ())]
    ignored = {"sidecar.istio.io/status", "proxy.istio.io/overrides", _MERGE_OF_OWN_PORT}
    return {
        "labels": {key: value for key, value in pod.labels.items() if key not in _OWN_METADATA},
        "annotations": {key: value for key, value in pod.annotations.items() if key not in ignored},
        "containers": {one["name"]: container(one) for one in containers},
        "volumes": sorted(one["name"] for one in pod.spec.get("volumes") or ()),
        "hostname": pod.spec.get("hostname"),
        "subdomain": pod.spec.get("subdomain"),
    }


def container(given: Json) -> Json:
    """Return a container without what the recorder chose."""
    dropped = ("image", "resources", "volumeMounts", "ports", "env")
    kept: Json = {key: value for key, value in given.items() if key not in dropped}
    kept["env"] = {entry["name"]: value(entry) for entry in given.get("env") or ()}
    return kept


def value(entry: Json) -> Any:
    """Return a variable's value, decoded where it is JSON; ports without the protocol that the API server fills in."""
    text = entry.get("value") or ""
    if not text.startswith(("[", "{")):
        return text or entry.get("valueFrom") or ""
    decoded = json.loads(text)
    if isinstance(decoded, list):
        return [{key: part for key, part in port.items() if key != "protocol"} for port in decoded]
    return decoded
