"""The entry point of the packaged program: the command line, or shell completion, depending on the program's name.

krew links only one program, so it serves both names.
"""

import os
import sys

_COMPLETER = "kubectl_complete-"


def main() -> None:
    """Run the program for the name that was called."""
    restore_library_path(os.environ)
    if os.path.basename(sys.argv[0]).startswith(_COMPLETER):
        from kubectl_mesh.cli.completion import main as complete

        complete()
    else:
        from kubectl_mesh.__main__ import main as run

        run()


def restore_library_path(environment: "os._Environ[str] | dict[str, str]") -> None:
    """Undo the change of the library search path by PyInstaller's loader.

    Credential plugins of a kubeconfig are other programs, which may not start with our libraries before their own.
    """
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        kept = environment.pop(f"{name}_ORIG", None)
        if kept is not None:
            environment[name] = kept
        elif getattr(sys, "frozen", False):
            environment.pop(name, None)


if __name__ == "__main__":
    main()
