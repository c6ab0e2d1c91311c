"""The cost of a start: the modules that a call imports before it has work to do."""

import subprocess
import sys

import pytest

HEAVY = frozenset(
    {
        "pydantic",
        "yaml",
        "kubernetes",
        "deepdiff",
        "cryptography",
        "rich",
        "re2",
        "grpc",
        "aiohttp",
        "google.protobuf",
        "jsonschema",
    }
)


def loaded_by(*words: str) -> set[str]:
    """Return the modules that a call of the program has loaded when it ends."""
    code = (
        "import sys\n"
        "from kubectl_mesh.cli.app import run\n"
        f"run(['kubectl-mesh', *{list(words)!r}])\n"
        "print('\\n'.join(sorted(sys.modules)), file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(run.stderr.split("\n"))


@pytest.mark.parametrize("words", [("--help",), ("proxy-config", "cluster", "--help"), ("trace", "--help")])
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    """Help is printed without a library that a question alone would need."""
    assert not HEAVY & loaded_by(*words)


def test_help_loads_no_command() -> None:
    """The list of commands is printed without importing one, nor the engine."""
    modules = loaded_by("--help")
    ours = {name for name in modules if name.startswith(("kubectl_mesh.", "simulator"))}
    parts = {"kubectl_mesh.cli", "kubectl_mesh.cli.app", "kubectl_mesh.cli.program", "kubectl_mesh.cli.plain_values"}
    assert ours <= {*parts, "kubectl_mesh.errors"}
