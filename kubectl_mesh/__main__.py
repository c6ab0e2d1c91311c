"""`python -m kubectl_mesh`, and the console script `kubectl-mesh`."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from kubectl_mesh.cli.app import run

    sys.exit(int(run(sys.argv)))


if __name__ == "__main__":
    main()
