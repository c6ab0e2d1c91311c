"""Lists of resources, as `kubectl get -o yaml` (`List`) and the API (`PodList`) print them."""

from typing import Any


def is_list(value: Any) -> bool:
    """Tell whether a decoded document is a list of resources."""
    if type(value) is not dict or type(value.get("items")) is not list:
        return False
    kind = value.get("kind")
    return type(kind) is str and kind.endswith("List")


def item_of(item: Any, *, of: Any) -> Any:
    """Give an item of a typed list (`PodList`) the kind that the list implies."""
    if type(item) is not dict or of["kind"] == "List" or "kind" in item:
        return item
    return {"apiVersion": of.get("apiVersion"), "kind": of["kind"].removesuffix("List")} | item
