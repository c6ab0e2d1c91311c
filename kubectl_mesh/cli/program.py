"""How the program is called: one constant for the plugin's name, everything else follows argv[0]."""

import os

PLUGIN = "mesh"
"""The word after `kubectl`; kubectl finds it as the executable `kubectl-mesh`."""
COMPLETER = f"kubectl_complete-{PLUGIN}"
"""The executable that kubectl asks for candidates."""


def name_from(argv0: str) -> str:
    """Return the words a user types to call the program, for usage and hints."""
    base = os.path.basename(argv0)
    for suffix in (".exe", ".pyz", ".py"):
        base = base.removesuffix(suffix)
    if base.startswith("kubectl-"):
        return "kubectl " + base.removeprefix("kubectl-").replace("-", " ").replace("_", "-")
    if base == "__main__":
        return "python -m kubectl_mesh"
    return base or f"kubectl {PLUGIN}"
