"""Amounts of resources in the form that the API server keeps."""

import pytest

from simulator.manifests.quantities import canonical, canonical_resources


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        *(("1000m", "1"), ("1500m", "1500m"), ("0.1", "100m"), ("2", "2"), (3, "3"), ("0", "0"), ("4000000u", "4")),
        *(("128Mi", "128Mi"), ("1024Mi", "1Gi"), ("0.5Gi", "512Mi"), ("1.5Gi", "1536Mi"), ("0.5Ki", "512")),
        *(("1000k", "1M"), ("1e3", "1e3"), ("12E2", "1200"), ("0.1n", "1n"), ("many", "many")),
    ],
)
def test_canonical(written: object, kept: str) -> None:
    """The largest suffix that leaves a whole number is kept; other texts are unchanged."""
    assert canonical(written) == kept


def test_containers() -> None:
    """Requests and limits are spelled, the rest of a container is not touched."""
    container = {"name": "app", "resources": {"limits": {"cpu": "1000m"}, "claims": []}}
    assert canonical_resources(container) == {"name": "app", "resources": {"limits": {"cpu": "1"}, "claims": []}}
    assert canonical_resources({"name": "app"}) == {"name": "app"}
