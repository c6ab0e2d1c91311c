"""The documentation hangs together: links lead somewhere, the index reaches all pages, modules that are named exist."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TOP = ("kubectl_mesh", "simulator")
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "krew").glob("*.md")])
_LINK = re.compile(r"\]\((?P<target>[^)\s#]+)(?:#[^)]*)?\)")
_SAMPLE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def links(page: Path) -> set[Path]:
    """Return the files that a page links to; samples of code have none."""
    text = _SAMPLE.sub("", page.read_text(encoding="utf-8"))
    targets = {match["target"] for match in _LINK.finditer(text)}
    return {(page.parent / target).resolve() for target in targets if "://" not in target}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link of a page leads to a file or a folder of the project."""
    assert not [str(target) for target in links(page) if not target.exists()]


def test_every_page_is_reached_from_the_index() -> None:
    """The index names each page, or the folder it lies in."""
    named = links(DOCS / "index.md") | {DOCS / "index.md"}
    lost = [page for page in DOCS.rglob("*.md") if not {page, page.parent} & (named - {DOCS})]
    assert not [str(page.relative_to(ROOT)) for page in lost]


def dotted_names(page: Path) -> Iterator[str]:
    """Yield the dotted names of modules, and of what is in them, that the prose of a page gives as code."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for name in re.findall(r"`([a-z_]+(?:\.\w+)+)`", text):
        if not name.endswith((".py", ".yaml", ".toml", ".json")):
            yield name


def exists(name: str) -> bool:
    """Tell whether a name is a module of the project, or in one; the package at its head may be left out."""
    for root in ("", "simulator.", "kubectl_mesh."):
        with suppress(ImportError, AttributeError):
            resolve_name(f"{root}{name}")
            return True
    return False


def test_modules_of_the_architecture_exist() -> None:
    """Every module that the page about the architecture names is there."""
    assert not [name for name in dotted_names(DOCS / "architecture.md") if not exists(name)]


def test_every_package_has_a_row() -> None:
    """The table of packages has each package of the engine and of the plugin."""
    names = set(dotted_names(DOCS / "architecture.md"))
    packages = {f"{top}.{path.parent.name}" for top in TOP for path in (ROOT / top).glob("*/__init__.py")}
    assert packages - names == set()
