"""Our own findings on public meshes that work: nothing is reported that is not so."""

import gzip
from pathlib import Path

import pytest

from kubectl_mesh.analysis.messages import Level, level_of
from kubectl_mesh.analysis.registry import analyzers
from kubectl_mesh.analysis.world import World, world_of
from simulator.manifests import parse_manifests, read_manifests
from simulator.registry.mesh_config import default_mesh_config

SCENARIOS = Path(__file__).parent / "scenarios"
EXAMPLE = Path(__file__).parents[2] / "examples" / "shop" / "base"
TRUE = {
    "authz-tcp": {"KM0004 AuthorizationPolicy/shop/deny"},
    "dr-tls-modes": {"KM0011 DestinationRule/legacy/billing"},
    "gw-http": {"KM0001 VirtualService/shop/wrongns"},
    "kgw-http-filters": {"KM0013 HTTPRoute/shop/filters"},
    "kgw-references": {
        "KM0012 HTTPRoute/partners/partners",
        "KM0012 HTTPRoute/shop/shop",
        "KM0014 HTTPRoute/ingress/inside",
        "KM0014 HTTPRoute/partners/partners",
    },
    "vs-uri-matches": {"KM0003 VirtualService/shop/catalog"},
}
"""What scenarios hold on purpose; each of these is visible in what istiod made of it."""


def _found(world: World) -> set[str]:
    own = (each for name, each in analyzers().items() if name.startswith("mesh."))
    found = (finding for analyzer in own for finding in analyzer.analyze(world))
    return {
        f"{each.code} {each.resource.ref if each.resource else ''}" for each in found if level_of(each) > Level.INFO
    }


@pytest.mark.parametrize("scenario", sorted(path.name for path in SCENARIOS.iterdir() if path.is_dir()))
def test_recorded_meshes_have_no_other_findings(scenario: str) -> None:
    """A recorded mesh has the findings that it was made to have, and no other at warning level or above."""
    text = gzip.decompress((SCENARIOS / scenario / "state.yaml.gz").read_bytes()).decode()
    assert _found(world_of(parse_manifests(text), mesh=default_mesh_config())) == TRUE.get(scenario, set())


def test_the_example_mesh_has_no_findings() -> None:
    """The example mesh is as it should be."""
    assert _found(world_of(read_manifests([str(EXAMPLE)]), mesh=default_mesh_config())) == set()
