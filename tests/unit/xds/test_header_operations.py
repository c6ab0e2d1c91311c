from simulator.xds.header_operations import header_operations


def test_set_before_add_each_sorted() -> None:
    """Headers that are set come before those added, each group by name; only setting overwrites."""
    fields, _ = header_operations({"request": {"add": {"b": "1"}, "set": {"z": "2", "a": "3"}}})
    assert [(option["header"]["key"], option.get("append_action")) for option in fields["request_headers_to_add"]] == [
        ("a", "OVERWRITE_IF_EXISTS_OR_ADD"),
        ("z", "OVERWRITE_IF_EXISTS_OR_ADD"),
        ("b", None),
    ]


def test_authority_is_told_apart() -> None:
    """Host and :authority are no headers to Envoy; setting wins over adding."""
    fields, authority = header_operations({"request": {"add": {"Host": "a"}, "set": {":authority": "b"}}})
    assert (fields, authority) == ({}, "b")


def test_internal_headers_stay() -> None:
    """Pseudo headers and host are never removed."""
    fields, _ = header_operations({"response": {"remove": [":status", "host", "server"]}})
    assert fields == {"response_headers_to_remove": ["server"]}


def test_nothing_to_do() -> None:
    """Without operations no fields are written."""
    assert header_operations(None) == ({}, "")
