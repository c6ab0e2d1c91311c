"""The outputs that the README opens with are real."""

import re
from pathlib import Path

import pytest

from tests.golden.guide.console import ROOT, Command, Shell, commands

LEFT_OUT = "…"
SHOWN = [command for command in commands((ROOT / "README.md").read_text(encoding="utf-8")) if command.output.strip()]


@pytest.mark.parametrize("shown", SHOWN, ids=lambda command: command.words.split()[2])
def test_outputs_are_what_commands_print(shown: Command, tmp_path: Path) -> None:
    """Each command whose output the README shows prints those lines; an ellipsis stands for what is left out."""
    with Shell(tmp_path) as shell:
        printed = shell.run(shown).output
    pattern = re.escape(shown.output.rstrip("\n")).replace(re.escape(LEFT_OUT), "(?s:.*?)")
    assert re.fullmatch(f"{pattern}\\s*", printed), printed


def test_the_readme_opens_with_the_main_commands() -> None:
    """The README shows what `trace`, `diff` and `analyze` answer, in lines that fit a terminal of 110 columns."""
    assert {"trace", "diff", "analyze"} <= {command.words.split()[2] for command in SHOWN}
    assert max(len(line) for command in SHOWN for line in command.output.splitlines()) <= 110
