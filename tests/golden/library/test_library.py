"""The page about the simulator as a library: its code runs, and prints what the page shows."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "library.md"
_EXAMPLE = re.compile(r"^```python\n(?P<code>.*?)^```\n\n```text\n(?P<printed>.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_code_of_the_page_prints_what_the_page_shows(
    rewrite_goldens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block of code is run behind those above it, from the root of the project."""
    monkeypatch.chdir(ROOT)
    page = PAGE.read_text(encoding="utf-8")
    assert _EXAMPLE.search(page)
    names: dict[str, Any] = {}

    def run(block: re.Match[str]) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block["code"], str(PAGE), "exec"), names)
        return f"```python\n{block['code']}```\n\n```text\n{out.getvalue()}```"

    printed = _EXAMPLE.sub(run, page)
    if rewrite_goldens:
        PAGE.write_text(printed, encoding="utf-8")
    else:
        assert printed == page, "run `make golden`"
