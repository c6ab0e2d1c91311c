"""A virtual environment with exactly the packages that go into an archive.

A developer's environment has an editable installation, whose packages PyInstaller does not find, and test tools with
packages of the same names as ours (`envoy`). A fresh one has only the wheel and its requirements.
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
"""Distributions in the environment that only build the archive."""


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
    """Copy the sources of the wheel: in place, setuptools would add files that earlier builds left there."""
    target.mkdir(parents=True)
    for name in _SOURCES:
        source = project / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copyfile(source, target / name)
    return target


def make(folder: Path, *, project: Path) -> Path:
    """Create a fresh environment with the project and its packaging tool, and return its Python."""
    venv.create(folder, with_pip=True, clear=True, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{project}[{EXTRAS}]"],
        check=True,
        stdout=sys.stderr,
    )
    return python


def site_packages(python: Path) -> Path:
    """Return the folder of an environment's packages."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())
