"""A template merged into a pod: what wins, and in which order lists come out."""

from simulator.manifests.overlays import overlay


def names(volumes: list[dict[str, str]]) -> list[str]:
    """Return the names of volumes."""
    return [volume["name"] for volume in volumes]


def test_what_the_patch_names_comes_first() -> None:
    """Items that only the pod has follow those that the template adds."""
    merged = overlay({"volumes": [{"name": "data"}]}, {"volumes": [{"name": "b"}, {"name": "a"}]})
    assert names(merged["volumes"]) == ["b", "a", "data"]


def test_items_stay_before_those_they_preceded() -> None:
    """An item of the pod keeps its place before one that the patch names too."""
    pod = {"volumes": [{"name": "first"}, {"name": "shared", "path": "x"}, {"name": "last"}]}
    merged = overlay(pod, {"volumes": [{"name": "new"}, {"name": "shared", "mode": "y"}]})
    assert names(merged["volumes"]) == ["new", "first", "shared", "last"]
    assert merged["volumes"][2] == {"name": "shared", "path": "x", "mode": "y"}


def test_lists_without_names_are_replaced() -> None:
    """Arguments of a container are those of the patch."""
    pod = {"containers": [{"name": "app", "args": ["a"], "env": [{"name": "X", "value": "1"}]}]}
    patch = {"containers": [{"name": "app", "args": ["b"], "env": [{"name": "X", "value": "2"}]}]}
    assert overlay(pod, patch) == patch
