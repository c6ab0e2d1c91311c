from typing import Any

import pytest

from simulator.model.labels import label_selector_selects, selects

LABELS = {"app": "web", "tier": "front"}


def test_an_empty_selector_selects_everything() -> None:
    """Without a condition nothing is ruled out; with several all must hold."""
    assert selects({}, LABELS)
    assert selects({"app": "web", "tier": "front"}, LABELS)
    assert not selects({"app": "web", "tier": "back"}, LABELS)


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ({"key": "app", "operator": "In", "values": ["web", "api"]}, True),
        ({"key": "none", "operator": "In", "values": ["web"]}, False),
        ({"key": "none", "operator": "NotIn", "values": ["web"]}, True),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "app", "operator": "DoesNotExist"}, False),
        ({"key": "app", "operator": "Near"}, False),
    ],
)
def test_expressions_hold_as_in_kubernetes(expression: dict[str, Any], selected: bool) -> None:
    """Each operator is Kubernetes' own; one that it does not know selects nothing."""
    assert label_selector_selects({"matchExpressions": [expression]}, LABELS) is selected


def test_labels_and_expressions_must_both_hold() -> None:
    """A selector of both kinds selects what both select."""
    tier = {"key": "tier", "operator": "Exists"}
    assert label_selector_selects({"matchLabels": {"app": "web"}, "matchExpressions": [tier]}, LABELS)
    assert not label_selector_selects({"matchLabels": {"app": "api"}, "matchExpressions": [tier]}, LABELS)
