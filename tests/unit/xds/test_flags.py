"""istiod's environment variables change what it sends."""

from typing import Any

import pytest

from simulator.mesh import Mesh
from tests.unit.xds.shop import CLIENT, mesh


def flagged(name: str) -> Mesh:
    """Return a mesh whose istiod has a flag turned off."""
    return mesh(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, labels: {app: web}}
        spec: {containers: [{name: app, image: example.test/web}]}
        """,
        f"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: istiod, namespace: istio-system, labels: {{app: istiod}}}}
        spec:
          selector: {{matchLabels: {{app: istiod}}}}
          template:
            metadata: {{labels: {{app: istiod}}}}
            spec: {{containers: [{{name: discovery, image: pilot, env: [{{name: {name}, value: "false"}}]}}]}}
        """,
    )


def endpoints(made: Mesh) -> list[Any]:
    """Return every endpoint that some proxy of the mesh holds."""
    found = made.generated(CLIENT).endpoints
    return [one for each in found for group in each.get("endpoints", ()) for one in group["lb_endpoints"]]


@pytest.mark.parametrize("name", ["PILOT_ENABLE_TELEMETRY_LABEL", "PILOT_ENDPOINT_TELEMETRY_LABEL"])
def test_endpoints_without_labels_keep_an_empty_message(name: str) -> None:
    """An endpoint's metadata is there even when there is nothing in it."""
    found = endpoints(flagged(name))
    assert found
    assert all("istio" not in one["metadata"].get("filter_metadata", {}) for one in found)


def test_no_metadata_is_exchanged_when_the_flag_is_off() -> None:
    """Without the exchange no listener asks for its ALPN name."""
    text = str(flagged("PILOT_ENABLE_METADATA_EXCHANGE").generated(CLIENT).listeners)
    assert "'alpn_protocols': ['h2', 'http/1.1']" in text
    assert "'alpn_protocols': ['istio-peer-exchange'" not in text
