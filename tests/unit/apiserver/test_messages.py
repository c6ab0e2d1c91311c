"""Documents become protobuf messages, and stay what they are."""

import json

import pytest

pytest.importorskip("envoy", reason="needs the extra `serve`")

from simulator.apiserver.messages import to_any

FAULT = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"


def test_packing_leaves_the_document_alone() -> None:
    """Dumps are shared between requests: not even the order of their fields changes."""
    document = {
        "@type": "type.googleapis.com/envoy.config.route.v3.VirtualHost",
        "name": "a",
        "typed_per_filter_config": {"fault": {"@type": FAULT, "delay": {"fixed_delay": "1s"}}},
    }
    before = json.dumps(document)
    assert to_any(document).type_url.endswith("VirtualHost")
    assert json.dumps(document) == before
