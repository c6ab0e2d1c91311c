"""Parts of Kubernetes' own objects that contradict each other."""

import pytest

from tests.unit.analysis import codes, deployment, found, resource, service

ANALYZER = "schema.KubernetesFieldAnalyzer"
HEAD = "KM0102 web: Refused by the API server: spec"


def _container(more: str, *, pod: str = "") -> str:
    return deployment("web").replace("{name: main, image: main}", f"{{name: main, image: main, {more}}}") + pod


def test_a_selector_selects_the_pods_of_its_template() -> None:
    """Pods that the workload would not find again are refused."""
    other = deployment("web").replace("metadata: {labels: {app: web", "metadata: {labels: {app: wep")
    text = f"{HEAD}.selector does not select the labels of the template, spec.template.metadata.labels"
    assert found(ANALYZER, other) == [text]


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        ("{name: http, port: 80}, {port: 81}", "ports[1] has no name, which each of several ports needs"),
        ("{name: http, port: 80}, {name: http, port: 81}", "ports[1].name is that of spec.ports[0], too"),
        ("{name: http, port: 80}, {name: web, port: 80}", "ports[1].port is that of spec.ports[0], too"),
        ("{name: HTTP, port: 80}", 'ports[0].name: "HTTP" is not made of lower-case letters, digits and dashes'),
        ("{port: 80, targetPort: a_b}", 'ports[0].targetPort: "a_b" is not made of lower-case letters, digits and'),
    ],
)
def test_ports_of_a_service(ports: str, text: str) -> None:
    """Several ports have names, and no two the same name or number."""
    (line,) = found(ANALYZER, service("web", ports=ports))
    assert line.startswith(f"{HEAD}.{text}")


def test_one_number_may_stand_for_two_protocols() -> None:
    """DNS has port 53 of TCP and of UDP."""
    ports = "{name: tcp, port: 53, targetPort: dns-tcp}, {name: udp, port: 53, protocol: UDP}"
    assert codes(ANALYZER, service("web", ports=ports)) == []


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ("ports: [{containerPort: 1, name: much-too-long-a-name}]", "ports[0].name"),
        ("ports: [{containerPort: 1, name: a}, {containerPort: 2, name: a}]", "ports[1].name is that of"),
    ],
)
def test_ports_of_a_container(more: str, text: str) -> None:
    """Names of ports are short, and each is given once."""
    (line,) = found(ANALYZER, _container(more))
    assert line.startswith(f"{HEAD}.template.spec.containers[0].{text}")


def test_mounts_need_a_volume() -> None:
    """Where a pod has volumes, what its containers mount is one of them; a patch that names no image is left alone."""
    mount = "volumeMounts: [{name: data, mountPath: /data}]"
    broken = deployment("web", spec=", volumes: [{name: date, emptyDir: {}}]").replace(
        "image: main", f"image: a, {mount}"
    )
    expected = f'{HEAD}.template.spec.containers[0].volumeMounts[0].name: the pod has no volume "data"'
    assert found(ANALYZER, broken) == [expected]
    assert codes(ANALYZER, broken.replace("image: a, ", "")) == []
    assert codes(ANALYZER, broken.replace("date", "data")) == []
    claims = broken.replace("Deployment", "StatefulSet").replace(
        "selector:", "volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]\n      selector:"
    )
    assert codes(ANALYZER, claims) == []


def test_labels_of_every_kind() -> None:
    """Labels are short and have no blanks, Istio's objects' as well."""
    text = resource("Sidecar", "web", "{}", more=", labels: {team: 'a b', example.com/ok: A_1.x, empty: ''}")
    words = "letters, digits, -, _ and ., at most 63"
    assert found(ANALYZER, text) == [
        f'KM0102 web: Refused by the API server: metadata.labels.team: "a b" is not made of {words}'
    ]
