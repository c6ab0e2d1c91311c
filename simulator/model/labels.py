"""Label selectors, in the three forms that Kubernetes and Istio use."""

from collections.abc import Mapping
from typing import Any

Labels = Mapping[str, str]
GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
GATEWAY_CLASS = "gateway.networking.k8s.io/gateway-class-name"
"""What the pods that run a Gateway of the Gateway API are labelled with: its name, and its class."""


def selects(selector: Labels, labels: Labels) -> bool:
    """Tell whether every key of `selector` has the same value in `labels`; an empty selector selects everything."""
    return all(labels.get(key) == value for key, value in selector.items())


def label_selector_selects(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Evaluate a Kubernetes LabelSelector (`matchLabels` and `matchExpressions`) on `labels`."""
    if not selects(selector.get("matchLabels") or {}, labels):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or ()
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False
