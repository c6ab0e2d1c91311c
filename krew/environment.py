"""A virtual environment that holds what goes into an archive, and nothing else.

The environment of a developer has the project installed by reference, where PyInstaller does not find its packages, and
test tools whose packages share names with ours (`envoy`). A fresh one has just the wheel and what it requires.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

EXTRAS = "serve,krew"
BUILD_TOOLS = frozenset(
    {"pip", "setuptools", "wheel", "altgraph", "macholib", "packaging", "pyinstaller-hooks-contrib", "pefile"}
)
"""Distributions in the environment that build the archive without becoming part of it."""


_SOURCES = (
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "kubectl_mesh",
    "simulator",
    "examples",
)


def copy_sources(project: Path, target: Path) -> Path:
    """Copy what the wheel is built from: setuptools would mix in what earlier builds left beside the originals."""
    target.mkdir(parents=True)
    for name in _SOURCES:
        source = project / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copyfile(source, target / name)
    return target


def make(folder: Path, *, project: Path) -> Path:
    """Create the environment anew with the project and its packaging tool in it, and return its Python."""
    venv.create(folder, with_pip=True, clear=True, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{project}[{EXTRAS}]"],
        check=True,
        stdout=sys.stderr,
    )
    return python


def site_packages(python: Path) -> Path:
    """Return the folder that an environment's packages lie in."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())
