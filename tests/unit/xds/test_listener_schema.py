"""Listeners against Envoy's own schema."""

from pathlib import Path
from typing import Any

import pytest

from simulator.manifests.reading import parse_manifests
from simulator.manifests.state import cluster_state
from simulator.registry.build import build_snapshot
from simulator.xds.generator import Generator

FLAGS = {
    name: "true"
    for name in (
        "PILOT_HTTP10",
        "PILOT_ENABLE_REDIS_FILTER",
        "PILOT_ENABLE_PERSISTENT_SESSION_FILTER",
        "ENABLE_HCM_INTERNAL_NETWORKS",
        "ISTIO_DUAL_STACK",
        "PILOT_SIDECAR_USE_REMOTE_ADDRESS",
        "PILOT_ENABLE_AMBIENT",
    )
} | {"PILOT_JWT_ENABLE_REMOTE_JWKS": "hybrid", "PILOT_MX_ADDITIONAL_LABELS": "team", "COMPLIANCE_POLICY": "pqc"}
TRACERS = ("otel", "otelg", "zip", "dd", "sw")


def types(value: Any) -> set[str]:
    """Return the names of all messages that are packed in an Any."""
    if isinstance(value, list):
        return {name for item in value for name in types(item)}
    if isinstance(value, dict):
        own = {value["@type"].partition("/")[2]} if "@type" in value else set()
        return own.union(*(types(item) for item in value.values()))
    return set()


@pytest.mark.parametrize("flags", [{}, FLAGS], ids=["default", "flags"])
@pytest.mark.parametrize("tracer", TRACERS)
def test_every_listener_is_one_that_envoy_reads(tracer: str, flags: dict[str, str]) -> None:
    """Listeners of a mesh that uses every option parse strictly: no misspelt field, no malformed enum or duration."""
    json_format = pytest.importorskip("google.protobuf.json_format", reason="needs protobuf")
    pytest.importorskip("envoy.config.listener.v3.listener_pb2", reason="needs xds-protos")
    from tests.conformance.schemas import descriptor, message_class

    text = Path(__file__).with_name("every_feature.yaml").read_text(encoding="utf-8")
    text = text.replace("providers: [{name: otel}]", f"providers: [{{name: {tracer}}}]")
    snapshot = build_snapshot(cluster_state(parse_manifests(text)).resources)
    snapshot.flags = {**snapshot.flags, **flags}
    generator = Generator(snapshot)
    listeners = [one for proxy in snapshot.proxies for one in generator.listeners(generator.view(proxy))]
    assert len(listeners) > 40
    for name in types(listeners):
        descriptor(name)
    for listener in listeners:
        json_format.ParseDict(listener, message_class("envoy.config.listener.v3.Listener")())
