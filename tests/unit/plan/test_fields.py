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


def test_namesakes_are_told_apart_by_what_they_match() -> None:
    """Filter chains that share a name, even on one side only, are paired by their criteria, so that one goes alone."""
    plain = {"name": "in", "filter_chain_match": {"transport_protocol": "raw_buffer"}}
    tls = {"name": "in", "filter_chain_match": {"application_protocols": ["a", "b"], "transport_protocol": "tls"}}
    found = field_changes({"filter_chains": [plain, tls]}, {"filter_chains": [tls]})
    assert found == (FieldChange(path="filter_chains[in raw_buffer]", before=plain),)
    changed = field_changes({"filter_chains": [plain, tls]}, {"filter_chains": [plain, {**tls, "filters": []}]})
    assert changed == (FieldChange(path="filter_chains[in a,… tls].filters", after=[]),)
