import re
from pathlib import Path

import pytest

from kubectl_mesh.analysis.messages import catalogue
from kubectl_mesh.analysis.registry import analyzers
from kubectl_mesh.analysis.world import World, world_of
from simulator.manifests.reading import read_what_is_readable
from simulator.model.errors import ManifestError
from simulator.model.resources import Resource
from simulator.registry.mesh_config import default_mesh_config
from tests.unit.analysis import NOW

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "findings"
OWN = [code for code in catalogue() if code.startswith("KM")]


def _examples(code: str) -> list[str]:
    page = (FOLDER / f"{code}.md").read_text("utf-8")
    return re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)


def _refused(error: ManifestError) -> None:
    raise error


def _world(manifests: str) -> World:
    replaced: list[tuple[Resource, Resource]] = []
    resources = read_what_is_readable(
        ["-"],
        stdin=manifests.encode,
        refused=_refused,
        replaced=lambda earlier, later: replaced.append((earlier, later)),
        default_namespace="default",
    )
    given = world_of(resources, mesh=default_mesh_config())
    given.now, given.replaced = NOW, replaced
    return given


def _codes(manifests: str) -> set[str]:
    given = _world(manifests)
    own = (each for name, each in analyzers().items() if name.startswith(("mesh.", "schema.Field")))
    return {finding.code for analyzer in own for finding in analyzer.analyze(given)} & set(OWN)


@pytest.mark.parametrize("code", OWN)
def test_the_example_of_a_page_is_found_and_its_fix_is_not(code: str) -> None:
    """Each finding of our own has a page, whose example has it and whose fix has not."""
    example, fixed = _examples(code)
    assert code in _codes(example)
    assert _codes(fixed) == set()


@pytest.mark.parametrize("code", [code for code in OWN if code < "KM0100"])
def test_every_finding_of_our_own_has_a_witness(code: str) -> None:
    """A finding about behaviour shows what it means by an example, such as a request."""
    given = _world(_examples(code)[0])
    own = (each for name, each in analyzers().items() if name.startswith("mesh."))
    found = [finding for analyzer in own for finding in analyzer.analyze(given) if finding.code == code]
    assert found
    assert all(finding.witness for finding in found)


def test_every_page_belongs_to_a_finding() -> None:
    """No page is left over from a finding that is gone."""
    assert {page.stem for page in FOLDER.glob("KM*.md")} == set(OWN)
