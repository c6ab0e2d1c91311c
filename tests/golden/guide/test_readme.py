"""The output that the README opens with is real."""

from pathlib import Path

from tests.golden.guide.console import ROOT, Shell, commands

LEFT_OUT = "…\n"


def test_the_first_output_is_what_the_command_prints(tmp_path: Path) -> None:
    """The command of the first block prints the lines that are shown, and then more."""
    shown = commands((ROOT / "README.md").read_text(encoding="utf-8"))[0]
    with Shell(tmp_path) as shell:
        printed = shell.run(shown).output
    assert shown.output.endswith(LEFT_OUT)
    assert printed.startswith(shown.output.removesuffix(LEFT_OUT))
