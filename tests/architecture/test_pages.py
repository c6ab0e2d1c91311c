"""Generated pages are what they are generated from."""

from pathlib import Path

import pytest

from docs.__main__ import PAGES

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_up_to_date(name: str) -> None:
    """`make docs` would change nothing, whenever it is run."""
    written = PAGES[name]()
    assert (DOCS / name).read_text(encoding="utf-8") == written, "run `make docs`"
    assert PAGES[name]() == written


def test_every_command_is_in_the_reference() -> None:
    """Each command that help lists has a section with an example."""
    from docs.commands import commands

    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert not [words for words, _ in commands() if f"\n## `kubectl mesh {words}`\n" not in page]
