import pytest

from simulator.apiserver.apply import Ownership
from simulator.apiserver.patches import json_patch, merge_patch
from simulator.apiserver.statuses import StatusError
from simulator.apiserver.storage import Key
from simulator.apiserver.strategic import strategic_merge

KEY = Key("configmaps", "shop", "settings")


def test_merge_patch_follows_the_examples_of_its_specification() -> None:
    """RFC 7396: null removes, objects merge, everything else replaces."""
    assert merge_patch({"a": "b", "c": {"d": "e", "f": "g"}}, {"a": "z", "c": {"f": None}}) == {
        "a": "z",
        "c": {"d": "e"},
    }
    assert merge_patch({"a": [{"b": "c"}]}, {"a": [1]}) == {"a": [1]}
    assert merge_patch({"e": None}, {"a": {"bb": {"ccc": None}}}) == {"e": None, "a": {"bb": {}}}


def test_json_patch_applies_its_six_operations_in_order() -> None:
    """RFC 6902: add, remove, replace, move, copy and test, with escaped pointers."""
    document = {"a": [1, 2], "b": {"x/y": 1}}
    operations = [
        {"op": "test", "path": "/b/x~1y", "value": 1},
        {"op": "add", "path": "/a/-", "value": 3},
        {"op": "replace", "path": "/a/0", "value": 9},
        {"op": "copy", "from": "/a", "path": "/c"},
        {"op": "move", "from": "/b", "path": "/d"},
        {"op": "remove", "path": "/c/1"},
    ]
    assert json_patch(document, operations) == {"a": [9, 2, 3], "c": [9, 3], "d": {"x/y": 1}}
    assert document == {"a": [1, 2], "b": {"x/y": 1}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/missing"},
        {"op": "test", "path": "/a", "value": 0},
        {"op": "add", "path": "/a/7", "value": 0},
        {"op": "jump", "path": "/a"},
        {"op": "add", "path": "a", "value": 0},
        {"op": "move", "path": "/a"},
        "no object",
    ],
)
def test_json_patches_that_do_not_fit_are_refused(operation: object) -> None:
    """A patch that cannot be applied is a 422 and changes nothing."""
    with pytest.raises(StatusError) as refused:
        json_patch({"a": [1]}, [operation])
    assert refused.value.code == 422


def test_strategic_merge_knows_items_by_their_key() -> None:
    """Containers, ports and variables are merged by identity, and deleted by directive."""
    pod = {
        "containers": [
            {"name": "app", "image": "a:1", "env": [{"name": "X", "value": "1"}], "ports": [{"containerPort": 80}]},
            {"name": "log", "image": "l:1"},
        ],
        "tags": ["a"],
    }
    patch = {
        "containers": [
            {"name": "app", "image": "a:2", "env": [{"name": "Y", "value": "2"}], "ports": [{"containerPort": 81}]},
            {"name": "log", "$patch": "delete"},
        ],
        "tags": ["b"],
        "$setElementOrder/containers": [{"name": "app"}],
    }
    merged = strategic_merge(pod, patch)
    (app,) = merged["containers"]
    assert app["image"] == "a:2"
    assert [each["name"] for each in app["env"]] == ["X", "Y"]
    assert [each["containerPort"] for each in app["ports"]] == [80, 81]
    assert merged["tags"] == ["b"]


def test_strategic_merge_directives_replace_and_retain() -> None:
    """`$patch: replace`, `$retainKeys` and `$deleteFromPrimitiveList` do what they say."""
    assert strategic_merge({"a": {"x": 1}}, {"a": {"$patch": "replace", "y": 2}}) == {"a": {"y": 2}}
    assert strategic_merge({"s": {"a": 1, "b": 2}}, {"s": {"$retainKeys": ["b"], "b": 3}}) == {"s": {"b": 3}}
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x"]}}
    assert strategic_merge({"metadata": {"finalizers": ["x", "y"]}}, patch) == {"metadata": {"finalizers": ["y"]}}


def test_apply_removes_what_its_manager_no_longer_applies() -> None:
    """A field leaves the object with its last owner, and stays while another owns it."""
    owners = Ownership()
    first = owners.apply(KEY, None, {"data": {"a": "1", "b": "1"}}, manager="one", force=False)
    second = owners.apply(KEY, first, {"data": {"b": "1"}}, manager="two", force=False)
    third = owners.apply(KEY, second, {"data": {"c": "1"}}, manager="one", force=False)
    assert third == {"data": {"b": "1", "c": "1"}}


def test_apply_refuses_to_take_another_managers_field_unless_forced() -> None:
    """A different value for a field of another manager is a conflict that names manager and field."""
    owners = Ownership()
    present = owners.apply(KEY, None, {"data": {"a": "1"}}, manager="one", force=False)
    with pytest.raises(StatusError) as conflict:
        owners.apply(KEY, present, {"data": {"a": "2"}}, manager="two", force=False)
    assert conflict.value.code == 409
    assert conflict.value.details["causes"][0]["field"] == ".data.a"
    assert owners.apply(KEY, present, {"data": {"a": "2"}}, manager="two", force=True) == {"data": {"a": "2"}}
