"""The interpretations of names on the command line."""

import pytest

from kubectl_mesh.diagnosis.suggestions import suggest
from kubectl_mesh.diagnosis.targets import Target, owners, readings
from kubectl_mesh.errors import UsageError


def target(kind: str, name: str, namespace: str) -> Target:
    """Return a target."""
    return Target(kind=kind, name=name, namespace=namespace)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web", (target("", "web", "here"),)),
        ("deploy/web", (target("Deployment", "web", "here"),)),
        ("shop/web", (target("", "web", "shop"),)),
        ("shop/deployment/web", (target("Deployment", "web", "shop"),)),
        ("web.shop", (target("", "web", "shop"), target("", "web.shop", "here"))),
        ("svc/web.shop", (target("Service", "web", "shop"), target("Service", "web.shop", "here"))),
    ],
)
def test_readings(text: str, expected: tuple[Target, ...]) -> None:
    """The namespace comes first or after the last dot; a namespace in the name overrides -n."""
    assert readings(text, namespace="here") == expected


@pytest.mark.parametrize("text", ["", "a/", "/a", "a/b/c/d", "shop/nokind/web"])
def test_no_names(text: str) -> None:
    """An invalid name is a usage error."""
    with pytest.raises(UsageError):
        readings(text)


def test_a_pod_belongs_to_its_replica_sets_deployment() -> None:
    """The hash that the Deployment appended is removed."""
    pod = {
        "metadata": {
            "labels": {"pod-template-hash": "5d8f"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d8f"}],
        }
    }
    assert owners(pod) == [("ReplicaSet", "web-5d8f"), ("Deployment", "web")]


@pytest.mark.parametrize(
    ("name", "namespace", "hint"),
    [
        ("wbe", "shop", "did you mean deploy/web?"),
        ("wbe", "", "did you mean shop/deploy/web?"),
        ("web", "shopp", "did you mean namespace shop?"),
        ("web", "other", "namespaces are payments, shop"),
        ("nothing", "payments", "there is sts/ledger"),
        ("ledger-O", "payments", "did you mean ledger-0 or sts/ledger?"),
    ],
)
def test_a_name_that_nothing_has_is_answered_with_what_was_meant(name: str, namespace: str, hint: str) -> None:
    """The hint has the likeliest names; without any, the namespaces or the workloads there are."""
    workloads = [("shop", "deploy/web"), ("shop", "deploy/cart"), ("payments", "sts/ledger")]
    pods = [("shop", "web-mx8spc2k4j-2rlkp"), ("payments", "ledger-0")]
    assert suggest(name, namespace, workloads=workloads, others=pods) == hint
