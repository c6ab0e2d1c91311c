"""Measure the speed and memory that the project promises, also relative to a reference measured in the same run.

`python -m benchmarks [NAME…]`; without a name all of them run.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import Measure, command, statement
from benchmarks.meshes import write_mesh, write_tests

MESH = [sys.executable, "-m", "kubectl_mesh"]
IMPORT_TYPER = "import typer"
_GENERATE = """
import gc, os, sys
gc.set_threshold(500_000, 20, 100)  # as the program itself starts
from simulator.mesh import Mesh
mesh = Mesh.from_manifests([sys.argv[1]])
proxies = mesh.proxies()
for proxy in proxies[-int(sys.argv[2]) :]:  # the last is a sidecar; 0 takes them all
    mesh.configuration(proxy)
os._exit(0)  # as the program itself ends
"""
_LOAD = "import sys, yaml; [d for d in yaml.load_all(open(sys.argv[1]), Loader=yaml.CSafeLoader)]"

Row = tuple[str, Measure, str, Measure | None]
"""(what was measured, its figure, name of the reference, its figure)."""


def python(code: str, *arguments: str, runs: int = 3) -> Measure:
    """Measure a Python program with arguments."""
    return command([sys.executable, "-c", code, *arguments], runs=runs, warmup=0)


def start_up(folder: Path) -> Iterator[Row]:
    """Cold starts of the commands people run most."""
    typer = statement(IMPORT_TYPER)
    yield "python -c 'import typer'", typer, "", None
    yield "kubectl mesh --help", command([*MESH, "--help"]), "import typer", typer
    question = [*MESH, "trace", "--demo", "web.shop", "http://catalog.shop/items"]
    yield "kubectl mesh trace --demo", command(question), "import typer", typer


def scale(folder: Path) -> Iterator[Row]:
    """1,000 services with a VirtualService and a DestinationRule each, 1,000 sidecars, 20 namespaces."""
    before, after = folder / "before.yaml", folder / "after.yaml"
    write_mesh(str(before), services=1000, namespaces=20)
    write_mesh(str(after), services=1000, namespaces=20, weight=50)
    load = python(_LOAD, str(before))
    yield "PyYAML's C loader, same file", load, "", None
    one = python(_GENERATE, str(before), "1")
    yield "one proxy of 1,000, manifests included", one, "C loader", load
    yield "every proxy of 1,000", python(_GENERATE, str(before), "0", runs=1), "one proxy", one
    change = [*MESH, "diff", str(before), str(after)]
    yield "diff of one VirtualService over 1,000", command(change, runs=1, warmup=0, exit_codes=(1,)), "one proxy", one


def analyze(folder: Path) -> Iterator[Row]:
    """10,000 objects offline: Service, Deployment, VirtualService, DestinationRule and AuthorizationPolicy each."""
    large, small = folder / "large.yaml", folder / "small.yaml"
    write_mesh(str(large), services=2000, namespaces=20, policies=True)
    write_mesh(str(small), services=20, namespaces=2, policies=True)
    load = python(_LOAD, str(large))
    yield "PyYAML's C loader, same file", load, "", None
    question = [*MESH, "analyze", "-f"]
    ends = (0, 1)
    yield "analyze 10,000 objects", command([*question, str(large)], runs=3, exit_codes=ends), "C loader", load
    yield "analyze 100 objects", command([*question, str(small)], exit_codes=ends), "", None


def traffic_tests(folder: Path) -> Iterator[Row]:
    """200 cases of `kubectl mesh test` over the example mesh, from a cold start; the limit is 3 s."""
    typer = statement(IMPORT_TYPER)
    file = folder / "large.meshtest.yaml"
    write_tests(str(file), cases=200)
    yield "200 cases over the example mesh", command([*MESH, "test", "--demo", str(file)]), "import typer", typer
    forms = [f"-o{form}={folder / form}" for form in ("junit", "sarif", "json")]
    yield "the same into three formats", command([*MESH, "test", "--demo", str(file), *forms]), "import typer", typer


SUITES: dict[str, Callable[[Path], Iterator[Row]]] = {
    "start-up": start_up,
    "scale": scale,
    "analyze": analyze,
    "tests": traffic_tests,
}


def main() -> None:
    """Print a line for each figure of the named suites, or of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("suite", nargs="*", metavar="SUITE", help=", ".join(SUITES))
    names = parser.parse_args().suite or list(SUITES)
    if unknown := [name for name in names if name not in SUITES]:
        parser.error(f"no such suite: {', '.join(unknown)}; there are {', '.join(SUITES)}")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            print(f"{name}: {(SUITES[name].__doc__ or '').splitlines()[0]}")
            for label, measure, yardstick, unit in SUITES[name](Path(folder)):
                ratio = f"{measure.seconds / unit.seconds:8.2f} x {yardstick}" if unit else ""
                print(f"  {label:44} {measure.seconds:9.3f} s {measure.megabytes:8.0f} MB {ratio}", flush=True)


if __name__ == "__main__":
    main()
