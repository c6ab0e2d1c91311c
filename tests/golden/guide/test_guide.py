"""The outputs in the documentation are those that the commands print."""

from pathlib import Path

import pytest

from tests.golden.guide.console import ROOT, Command, Shell, commands, rewritten, same

PAGES = ("docs/guide.md",)


@pytest.mark.parametrize("name", PAGES)
def test_every_output_is_real(
    name: str, tmp_path: Path, rewrite_goldens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command of the page prints what the page shows, in the order of the page."""
    pytest.importorskip("aiohttp", reason="needs the extra `serve`")
    monkeypatch.setattr("sys.argv", ["kubectl-mesh"])
    path = ROOT / name
    page = path.read_text(encoding="utf-8")
    shown = commands(page)
    with Shell(tmp_path) as shell:
        printed = [shell.run(command) for command in shown]
    if rewrite_goldens:
        path.write_text(rewritten(page, printed), encoding="utf-8")
        return
    for before, now in zip(shown, printed, strict=True):
        assert same(before.output, now.output), f"$ {now.words}\n{now.output}\nrun `make golden`"


def test_rewriting_changes_outputs_only() -> None:
    """Prose, commands, and outputs that differ in ages only are unchanged."""
    page = "Text\n\n```console\n$ one\nold\n$ two\nSYNCED (1s)\n```\n\n```yaml\na: 1\n```\n"
    assert commands(page) == [Command("one", "old\n"), Command("two", "SYNCED (1s)\n")]
    new = rewritten(page, [Command("one", "new\n"), Command("two", "SYNCED   (3m10s)\n")])
    assert new == page.replace("old", "new")
