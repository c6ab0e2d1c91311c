"""The output that the README opens with is real."""

import re
from pathlib import Path

from tests.golden.guide.console import ROOT, Shell, commands

LEFT_OUT = "…"


def test_the_first_output_is_what_the_command_prints(tmp_path: Path) -> None:
    """The command of the first block prints the lines that are shown; an ellipsis stands for what is left out."""
    shown = commands((ROOT / "README.md").read_text(encoding="utf-8"))[0]
    with Shell(tmp_path) as shell:
        printed = shell.run(shown).output
    pattern = re.escape(shown.output.rstrip("\n")).replace(re.escape(LEFT_OUT), "(?s:.*?)")
    assert re.fullmatch(f"{pattern}\\s*", printed), printed
