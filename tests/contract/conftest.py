"""The example mesh, served once for all contract tests."""

from collections.abc import Iterator

import pytest

from tests.contract.serving import ServedMesh, serving


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMesh]:
    """Serve the example mesh; tests only read it."""
    with serving(folder=tmp_path_factory.mktemp("served"), example=True) as served:
        yield served


@pytest.fixture
def cluster(tmp_path: pytest.TempPathFactory) -> Iterator[ServedMesh]:
    """Serve a small mesh that a test may change."""
    with serving(SHOP, folder=tmp_path) as served:  # type: ignore[arg-type]
        yield served


SHOP = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: v1}}
    spec: {containers: [{name: app, image: "web:1", ports: [{containerPort: 8080}]}]}
"""
