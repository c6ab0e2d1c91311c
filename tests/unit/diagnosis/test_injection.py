"""Why a webhook injects a pod, in istioctl's words."""

from typing import Any

import pytest

from kubectl_mesh.diagnosis.injection import judge


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    """Return one match expression."""
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def hook(namespace: list[dict[str, Any]], pod: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a webhook with two selectors."""
    return {"namespaceSelector": {"matchExpressions": namespace}, "objectSelector": {"matchExpressions": pod}}


REV, INJECT, OLD = "istio.io/rev", "sidecar.istio.io/inject", "istio-injection"
DEFAULT = [
    hook([expression(REV, "In", "default"), expression(OLD, "DoesNotExist")], [expression(INJECT, "NotIn", "false")]),
    hook([expression(OLD, "In", "enabled")], [expression(INJECT, "NotIn", "false")]),
    hook(
        [expression(OLD, "DoesNotExist"), expression(REV, "DoesNotExist")],
        [expression(INJECT, "In", "true"), expression(REV, "DoesNotExist")],
    ),
]


@pytest.mark.parametrize(
    ("namespace", "pod", "expected"),
    [
        ({OLD: "enabled"}, {}, ("Namespace label istio-injection=enabled matches", True)),
        ({REV: "default"}, {}, ("Namespace label istio.io/rev=default matches", True)),
        ({}, {INJECT: "true"}, ("Pod label sidecar.istio.io/inject=true matches", True)),
        (
            {OLD: "enabled"},
            {INJECT: "true"},
            (
                "Namespace label istio-injection=enabled matches, and pod label sidecar.istio.io/inject=true matches",
                True,
            ),
        ),
        (
            {OLD: "enabled"},
            {INJECT: "false"},
            ("Pod has sidecar.istio.io/inject=false label, preventing injection", False),
        ),
        ({OLD: "disabled"}, {}, ("Namespace has istio-injection=disabled label, preventing injection", False)),
        (
            {},
            {},
            (
                "No matching namespace labels (istio.io/rev=default, istio-injection=enabled) "
                "or pod labels (sidecar.istio.io/inject=true)",
                False,
            ),
        ),
    ],
)
def test_reasons(namespace: dict[str, str], pod: dict[str, str], expected: tuple[str, bool]) -> None:
    """The label that decides is named, whichever way it decides."""
    assert judge(DEFAULT, namespace=namespace, pod=pod) == expected


def test_a_deactivated_webhook_says_so() -> None:
    """A webhook that can never match is distinguished from one that does not match here."""
    never = {"matchLabels": {"istio.io/deactivated": "never-match"}}
    reason, injected = judge([{"namespaceSelector": never, "objectSelector": never}], namespace={}, pod={})
    assert (reason, injected) == ("The injection webhook is deactivated, and will never match labels.", False)
