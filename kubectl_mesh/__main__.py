"""`python -m kubectl_mesh`, and the console script `kubectl-mesh`."""

import gc
import os
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from kubectl_mesh.cli.app import run

    gc.set_threshold(500_000, 20, 100)  # documents are trees and go by reference count; cycles are few here
    code = int(run(sys.argv))
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # nobody reads on
    os._exit(code)  # taking a large mesh apart, object by object, would keep the user waiting for a second


if __name__ == "__main__":
    main()
