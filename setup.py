"""Build hook: everything about the package is in pyproject.toml but that the wheel carries the example mesh too.

`examples/` lies beside the packages, where people look for it; `--demo` finds it below `kubectl_mesh` once installed.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithExamples(build_py):
    """Copies the examples into the built package."""

    def run(self) -> None:
        """Build the packages, then add the examples."""
        super().run()
        if not self.editable_mode:
            source = Path(__file__).resolve().parent / "examples" / "shop"
            shutil.copytree(source, Path(self.build_lib) / "kubectl_mesh" / "examples" / "shop", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithExamples})
