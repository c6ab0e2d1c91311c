"""Law: what is generated is a function of the manifests, whatever their order."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.meshes import documents, mesh_of


def dumps(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return every config dump of a mesh."""
    mesh = mesh_of(found)
    return {str(proxy): mesh.config_dump(proxy) for proxy in mesh.proxies()}


@settings(max_examples=settings().max_examples // 5)
@given(documents(), st.randoms(use_true_random=False))
def test_the_same_manifests_give_the_same_dumps(found: list[dict[str, Any]], shuffle: random.Random) -> None:
    """Generating twice, the second time from shuffled manifests, gives equal dumps of every proxy."""
    shuffled = list(found)
    shuffle.shuffle(shuffled)
    assert dumps(found) == dumps(found) == dumps(shuffled)
