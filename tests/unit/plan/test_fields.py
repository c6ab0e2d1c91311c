from kubectl_mesh.plan.fields import field_changes
from kubectl_mesh.reports.changes import FieldChange


def test_items_with_names_are_paired_by_name() -> None:
    """A virtual host put first is one addition; the others do not change."""
    before = {"name": "80", "virtual_hosts": [{"name": "a", "domains": ["a"]}]}
    after = {"name": "80", "virtual_hosts": [{"name": "new"}, {"name": "a", "domains": ["a"]}]}
    assert field_changes(before, after) == (FieldChange(path="virtual_hosts[new]", after={"name": "new"}),)


def test_a_changed_value_is_named_by_its_path() -> None:
    """A field of the second route of a virtual host is found and shown with both values."""
    before = {"virtual_hosts": [{"name": "a", "routes": [{"match": {"prefix": "/x"}}, {"timeout": "1s"}]}]}
    after = {"virtual_hosts": [{"name": "a", "routes": [{"match": {"prefix": "/x"}}, {"timeout": "2s"}]}]}
    assert field_changes(before, after) == (
        FieldChange(path="virtual_hosts[a].routes[1].timeout", before="1s", after="2s"),
    )


def test_order_alone_is_a_change() -> None:
    """Two filters that change places are reported, since their order decides."""
    before, after = {"filters": [{"name": "x"}, {"name": "y"}]}, {"filters": [{"name": "y"}, {"name": "x"}]}
    assert field_changes(before, after) == (FieldChange(path="filters (order)", before=["x", "y"], after=["y", "x"]),)


def test_equal_resources_have_no_changes() -> None:
    """A resource compared with itself yields nothing."""
    resource = {"name": "c", "endpoints": [{"address": "10.0.0.1"}]}
    assert field_changes(resource, dict(resource)) == ()
