import random
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.manifests import cluster_state, parse_manifests
from simulator.model.errors import ManifestError
from simulator.model.resources import Resource

LAW = settings(max_examples=max(50, settings().max_examples // 10))
"""For laws of whole meshes; mangled input is tried as often as the profile says."""

names = st.sampled_from(["api", "cart", "db", "front", "mail", "pay", "search", "web"])
namespaces = st.sampled_from(["shop", "ops", "legacy"])
scalars = st.sampled_from(
    [None, 0, -1, 2**70, 1.5, True, "", "x", "80", "::::", "999.1.1.1", [], {}, [None], {"a": []}]
)


@st.composite
def workloads(draw: st.DrawFn) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """A few workloads with their Services, by namespace and name."""
    keys = draw(st.lists(st.tuples(namespaces, names), min_size=1, max_size=6, unique=True))
    return {key: draw(_workload(*key)) for key in keys}


def _workload(namespace: str, name: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    def build(kind: str, replicas: int, service_type: str, headless: bool) -> list[dict[str, Any]]:
        labels = {"app": name}
        containers = [{"name": "app", "image": name, "ports": [{"name": "http", "containerPort": 8080}]}]
        template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        metadata = {"name": name, "namespace": namespace}
        service: dict[str, Any] = {
            "selector": labels,
            "type": service_type,
            "ports": [{"port": 80, "targetPort": "http"}],
        }
        if headless:
            service |= {"type": "ClusterIP", "clusterIP": "None"}
        return [
            {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec},
            {"apiVersion": "v1", "kind": "Service", "metadata": dict(metadata), "spec": service},
        ]

    kinds = st.sampled_from(["Deployment", "StatefulSet", "ReplicaSet"])
    types = st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"])
    return st.builds(build, kinds, st.integers(0, 3), types, st.booleans())


def documents(mesh: dict[tuple[str, str], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return all documents of a mesh."""
    return [document for part in mesh.values() for document in part]


def read(found: list[dict[str, Any]]) -> tuple[Resource, ...]:
    """Read documents back from YAML."""
    return parse_manifests(yaml.dump_all(found, Dumper=yaml.CSafeDumper))


def contents(resources: tuple[Resource, ...]) -> dict[str, Any]:
    """Return documents by identity, to compare them."""
    return {f"{one.group}/{one.ref}": one.document for one in resources}


def line_of_error(text: str) -> int | None:
    """Return the line at which manifests are refused; None when they are not."""
    try:
        cluster_state(parse_manifests(text))
    except ManifestError as error:
        return error.line
    return None


@LAW
@given(workloads(), st.randoms(use_true_random=False))
def test_order_of_manifests_changes_nothing(mesh: Any, shuffle: random.Random) -> None:
    """The same manifests in any order make the same objects in the same order."""
    found = documents(mesh)
    shuffled = list(found)
    shuffle.shuffle(shuffled)
    before, after = cluster_state(read(found)), cluster_state(read(shuffled))
    assert list(contents(before.resources).items()) == list(contents(after.resources).items())


@LAW
@given(workloads(), st.data())
def test_one_more_workload_changes_no_other(mesh: Any, data: st.DataObject) -> None:
    """Adding a workload and its Service leaves every object that was there as it was."""
    added = data.draw(_workload("elsewhere", "added"))
    before = contents(cluster_state(read(documents(mesh))).resources)
    after = contents(cluster_state(read([*documents(mesh), *added])).resources)
    assert {name: after.get(name) for name in before} == before


@LAW
@given(workloads())
def test_a_complete_state_is_left_alone(mesh: Any) -> None:
    """Feeding a state back in adds nothing and changes nothing."""
    once = cluster_state(read(documents(mesh)))
    again = cluster_state(read([one.document for one in once.resources]))
    assert contents(again.resources) == contents(once.resources)


@LAW
@given(workloads())
def test_addresses_are_unique(mesh: Any) -> None:
    """No two pods and no two Services share an address."""
    resources = cluster_state(read(documents(mesh))).resources
    pods = [one.status["podIP"] for one in resources if one.kind == "Pod"]
    services = [one.spec["clusterIP"] for one in resources if one.kind == "Service" and one.spec["clusterIP"] != "None"]
    assert len(pods) == len(set(pods))
    assert len(services) == len(set(services))


@given(workloads(), st.data())
def test_mangled_documents_are_errors_and_never_tracebacks(mesh: Any, data: st.DataObject) -> None:
    """Whatever replaces or removes a field, the outcome is a state or a ManifestError with a line."""
    found = documents(mesh)
    target: Any = data.draw(st.sampled_from(found))
    for _ in range(data.draw(st.integers(1, 8))):
        steps = list(target) if isinstance(target, dict) else list(range(len(target)))
        if not steps:
            break
        step = data.draw(st.sampled_from(steps))
        if not isinstance(target[step], dict | list) or data.draw(st.integers(0, 3)) == 0:
            target[step] = data.draw(scalars)
            break
        target = target[step]
    assert line_of_error(yaml.dump_all(found, Dumper=yaml.CSafeDumper)) != 0


@given(
    st.text(
        alphabet=st.sampled_from(list("abc:-[]{}&*!|>'\"#%@`,? \n\t0.~<=\\u\0")),
        max_size=80,
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text, however mangled, ends in anything but resources or a ManifestError."""
    assert line_of_error(text) != 0


@given(
    workloads(),
    st.integers(0, 10**6),
    st.sampled_from(["", "\t", "}", "]", ":", "- ", "\n", "'", "&a", "*a", "\x01", "{"]),
)
def test_mangled_text_is_read_or_refused(mesh: Any, place: int, inserted: str) -> None:
    """A character too many or too few in good manifests never ends in a traceback."""
    text = yaml.dump_all(documents(mesh), Dumper=yaml.CSafeDumper)
    place %= len(text)
    assert line_of_error(text[:place] + inserted + text[place + 1 :]) != 0
