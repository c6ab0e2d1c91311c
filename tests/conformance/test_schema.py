from typing import Any

import pytest
from google.protobuf import json_format

from tests.conformance.gaps import KnownGaps
from tests.conformance.normal_form import dump, normalize
from tests.conformance.runner import SCENARIOS, Scenario, generate
from tests.conformance.schemas import RESOURCE_TYPES, descriptor, message_class

GAPS = KnownGaps.load()
SIMULATED = sorted(path.name for path in SCENARIOS.iterdir() if path.is_dir() and not GAPS.pending(path.name))


def strict_parse(resource: dict[str, Any], kind: str) -> None:
    """Parse a resource as its protobuf type; a misspelt field, bad enum or malformed duration raises."""
    normalize(resource, kind)  # imports the modules of the types inside
    json_format.ParseDict(dict(resource), message_class(RESOURCE_TYPES[kind])())


@pytest.mark.parametrize("name", SIMULATED)
def test_every_generated_resource_parses_as_its_type(name: str) -> None:
    """Whatever is generated for a scenario's proxies is a valid message of Envoy's schema."""
    answers, _ = generate(Scenario(SCENARIOS / name))
    seen: set[int] = set()
    for lists in answers.values():
        for kind in RESOURCE_TYPES:
            for resource in lists[kind] or ():
                if id(resource) not in seen:
                    seen.add(id(resource))
                    strict_parse(resource, kind)


def test_a_misspelt_field_is_found() -> None:
    """The parse is strict, inside of Any messages too."""
    with pytest.raises(json_format.ParseError):
        strict_parse({"name": "a", "conect_timeout": "1s"}, "clusters")
    options = {"@type": "type.googleapis.com/stats.PluginConfig", "disable_host_header_fallbck": True}
    with pytest.raises(json_format.ParseError):
        strict_parse({"name": "a", "typed_extension_protocol_options": {"x": options}}, "clusters")


def test_istio_types_are_known() -> None:
    """The two Istio types that Envoy's schemas lack are registered."""
    assert descriptor("stats.PluginConfig").fields_by_name["reporter"]
    assert descriptor("istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig")
    assert dump({"b": 1, "a": 2}) == '{"a":2,"b":1}'
