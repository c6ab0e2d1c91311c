"""Manifests are served as `kubectl apply` would have left them."""

import json

from simulator.apiserver.last_applied import ANNOTATION, as_applied
from simulator.manifests.reading import parse_manifests
from simulator.model.resources import Resource

RULE = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web}
"""


def read(text: str) -> Resource:
    """Read the one resource of a text."""
    (found,) = parse_manifests(text)
    return found


def test_istios_resources_keep_a_copy_of_what_was_applied() -> None:
    """The copy is the manifest, without itself; by it kubectl knows the fields that a later manifest lacks."""
    found = as_applied(read(RULE))
    copy = json.loads(found.metadata["annotations"][ANNOTATION])
    assert copy["spec"] == {"host": "web"}
    assert copy["metadata"] == {"name": "web", "namespace": "shop", "annotations": {}}
    assert as_applied(found) is found


def test_what_was_read_from_a_cluster_stays_as_it_is() -> None:
    """So do resources of other groups, which the API server gives defaults."""
    for text in (RULE.replace("name: web", "uid: a, name: web"), RULE.replace("networking.istio.io", "example.com")):
        assert ANNOTATION not in (as_applied(read(text)).metadata.get("annotations") or {})
