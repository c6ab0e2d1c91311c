"""The documentation hangs together: no link leads nowhere, and every page is reached from the index."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
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
