"""Every finding is documented, every analyzer registered, and none looks at more or less than it says."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from docs.messages import page
from kubectl_mesh.analysis import analyzers as package
from kubectl_mesh.analysis.messages import catalogue
from kubectl_mesh.analysis.registry import analyzers
from kubectl_mesh.analysis.world import world_of
from simulator.manifests.reading import parse_manifests, read_manifests
from simulator.registry.mesh_config import default_mesh_config

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r'"((?:IST|KM)\d{4})"')
UNUSED = frozenset({"IST0001", "IST0141", "IST0142", "IST0143", "IST0156", "IST0168", "IST0169", "IST0172"})
"""Codes of istioctl that no analyzer emits, or of `precheck`."""


def declared() -> Iterator[str]:
    """Yield the names of all analyzers, module by module."""
    for module in iter_modules(package.__path__):
        for analyzer in getattr(import_module(f"{package.__name__}.{module.name}"), "ANALYZERS", ()):
            yield analyzer.name


def test_analyzers_are_registered_once() -> None:
    """Each analyzer has a name of its own and is found by it."""
    names = list(declared())
    assert sorted(names) == list(analyzers())


def test_analyzers_are_described() -> None:
    """Each analyzer says in one line what it checks, and which kinds it reads, unless it looks at all."""
    for analyzer in analyzers().values():
        assert analyzer.description
        assert "\n" not in analyzer.description
        assert analyzer.inputs or analyzer.name in ("mesh.DuplicateAnalyzer", "schema.KubernetesFieldAnalyzer")


def test_codes_in_the_source_are_in_the_catalogue() -> None:
    """No analyzer emits a code that has no text."""
    sources = (ROOT / "kubectl_mesh" / "analysis").rglob("*.py")
    used = {code for source in sources for code in CODE.findall(source.read_text(encoding="utf-8"))}
    assert used <= catalogue().keys()


def test_messages_are_explained() -> None:
    """Every message has as many arguments as its text has verbs, a summary, and a way to fix it."""
    for message in catalogue().values():
        assert len(re.findall(r"%[svdq]", message.template)) == len(message.arguments), message.code
        assert message.summary.endswith(".")
        assert message.fix


def test_page_about_messages_is_up_to_date() -> None:
    """docs/reference/messages.md is what `python -m docs` writes."""
    assert (ROOT / "docs" / "reference" / "messages.md").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("name", list(analyzers()))
def test_inputs_are_what_is_read(name: str) -> None:
    """An analyzer reads only kinds that it declares, so that inputs it lacks can be reported."""
    world = world_of(read_manifests([str(ROOT / "examples" / "shop" / "base")]), mesh=default_mesh_config())
    analyzer = analyzers()[name]
    list(analyzer.analyze(world))
    assert world.asked <= {*analyzer.inputs, *getattr(analyzer, "hints", ())}


def test_nothing_to_see_is_not_a_finding() -> None:
    """Without resources no analyzer finds anything."""
    world = world_of(parse_manifests(""), mesh=default_mesh_config())
    assert [finding for each in analyzers().values() for finding in each.analyze(world)] == []
