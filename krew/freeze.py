"""Builds the program with its own Python as a folder, with PyInstaller's `--onedir`.

A one-file program would unpack itself at each start. Modules imported by computed names (commands, analyzers, the
protobuf modules of Envoy) are invisible to PyInstaller and are listed here.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

ENTRY = Path(__file__).with_name("entry.py")
_OWN = ("kubectl_mesh", "simulator")
_PROTOBUF = "xds-protos"
_NEVER = (
    *("IPython", "_pytest", "hypothesis", "numpy", "pytest", "test", "unittest"),
    *("lib2to3", "pydoc_data", "readline", "simulator.testing", "tkinter"),
)
"""Modules to exclude: imported somewhere but not needed, such as GNU readline, whose license would bind the archive."""


def freeze(python: Path, site: Path, *, program: str, work: Path) -> Path:
    """Run PyInstaller in an environment and return the folder of the program.

    The hash seed is fixed so that equal environments give equal results.
    """
    folders = {"distpath": work / "program", "workpath": work / "pyinstaller", "specpath": work}
    arguments = [
        *("--noconfirm", "--clean", "--log-level=WARN", "--onedir", "--console", f"--name={program}"),
        *(f"--{option}={folder}" for option, folder in folders.items()),
        *(f"{option}={package}" for package in _OWN for option in ("--collect-submodules", "--collect-data")),
        *(f"--hidden-import={module}" for module in sorted(protobuf_modules(site))),
        *(f"--exclude-module={module}" for module in _NEVER),
        str(ENTRY),
    ]
    response = work / "pyinstaller.py"
    response.write_text(f"from PyInstaller.__main__ import run\nrun({arguments!r})\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONHASHSEED": "1", "SOURCE_DATE_EPOCH": "0"}
    environment.pop("PYTHONPATH", None)
    subprocess.run([python, response], check=True, cwd=work, env=environment, stdout=sys.stderr)
    return work / "program" / program


def protobuf_modules(site: Path) -> Iterable[str]:
    """Yield the modules of Envoy's messages; the server imports them by the name of a message."""
    for distribution in distributions(path=[str(site)]):
        if distribution.name == _PROTOBUF:
            for file in distribution.files or ():
                if file.name.endswith("_pb2.py") and file.parts[0] != "test":
                    yield ".".join(file.with_suffix("").parts)


def add_documents(folder: Path, *, project: Path, notices: str) -> None:
    """Write the license and the third-party notices beside the program."""
    shutil.copyfile(project / "LICENSE", folder / "LICENSE")
    (folder / "THIRD_PARTY_NOTICES.txt").write_text(notices, encoding="utf-8")
