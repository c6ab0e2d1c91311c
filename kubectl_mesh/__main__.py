"""`python -m kubectl_mesh`, and the console script `kubectl-mesh`."""

import os
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from kubectl_mesh.cli.app import run

    code = int(run(sys.argv))
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # nobody reads on
    os._exit(code)  # taking a large mesh apart, object by object, would keep the user waiting for a second


if __name__ == "__main__":
    main()
