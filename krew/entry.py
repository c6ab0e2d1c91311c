"""What the packaged program runs: the command line, or its completion when it is called by that name.

krew links one program only, so the one program answers for both names.
"""

import os
import sys

_COMPLETER = "kubectl_complete-"


def main() -> None:
    """Run the program that the called name stands for."""
    restore_library_path(os.environ)
    if os.path.basename(sys.argv[0]).startswith(_COMPLETER):
        from kubectl_mesh.cli.completion import main as complete

        complete()
    else:
        from kubectl_mesh.__main__ import main as run

        run()


def restore_library_path(environment: "os._Environ[str] | dict[str, str]") -> None:
    """Undo what PyInstaller's loader did to the search path of libraries.

    Credential plugins of a kubeconfig are other programs: with our libraries before their own they may not start.
    """
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        kept = environment.pop(f"{name}_ORIG", None)
        if kept is not None:
            environment[name] = kept
        elif getattr(sys, "frozen", False):
            environment.pop(name, None)


if __name__ == "__main__":
    main()
