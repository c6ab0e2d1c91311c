"""Fields of Kubernetes' own kinds that do not exist."""

import json

import kubernetes.client
import pytest

from tests.unit.analysis import deployment, found, resource, service
from tests.unit.analysis.kubernetes_models import FILE, table

ANALYZER = "schema.KubernetesFieldAnalyzer"


def test_misspelt_fields_are_named_with_what_they_stand_for() -> None:
    """Fields are looked at down to the env of a container, in lists as well."""
    broken = deployment("web", spec=", containers: [{name: a, imge: b, env: [{name: a, vale: b}]}]").replace(
        "containers: [{name: main, image: main}], ", ""
    )
    prefix = "KM0101 web: Unknown field: spec"
    inside = f"{prefix}.template.spec.containers[0]"
    assert found(ANALYZER, broken, service("web", ports="{port: 80, targetport: 8080}")) == [
        f"{inside}.env[0].vale is not a field; did you mean value?",
        f"{inside}.imge is not a field; did you mean image?",
        f"{prefix}.ports[0].targetport is not a field; did you mean targetPort?",
    ]


def test_metadata_of_every_kind_is_looked_at() -> None:
    """Istio's objects have the same metadata, and nothing beside their spec and status."""
    text = resource("Sidecar", "a", "{egress: [{hosts: ['*/*']}]}", more=", label: {a: b}").replace(
        "spec:", "hosts: [a]\n    spec:"
    )
    assert found(ANALYZER, text) == [
        "KM0101 a: Unknown field: hosts is not a field",
        "KM0101 a: Unknown field: metadata.label is not a field; did you mean labels?",
    ]


@pytest.mark.parametrize(
    "text",
    [
        deployment("web"),
        service("web", more=", resourceVersion: '1', newField: 1"),
        "{apiVersion: example.com/v1, kind: Deployment, metadata: {name: a}, own: 1}",
        "{apiVersion: extensions/v1beta1, kind: Ingress, metadata: {name: a}, spec: {own: 1}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {own: b}}, data: {own: c}}",
    ],
    ids=["known", "given away by a server", "custom resource", "old version", "maps"],
)
def test_what_is_known_or_cannot_be_known_is_no_finding(text: str) -> None:
    """Kinds and versions that the table lacks are passed over, and so is what a newer API server may have given."""
    assert found(ANALYZER, text) == []


def test_table_is_what_the_models_say() -> None:
    """The table has every kind and field of the models that it was made from."""
    written = json.loads(FILE.read_text(encoding="utf-8"))
    if written["version"] != kubernetes.client.__version__:
        pytest.skip(f"made from kubernetes {written['version']}; {kubernetes.client.__version__} is installed")
    assert written == table()
