"""The plugin's manifest: `mesh.yaml.in` filled in for the archives at hand.

krew: docs/developer guide "Plugin manifest"; `krew.validation` checks every rendered manifest.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from krew.archive import digest
from krew.platforms import Platform

TEMPLATE = Path(__file__).with_name("mesh.yaml.in")
_PYTHON_VERSION = re.compile(r"(?P<release>\d+(?:\.\d+)*)(?:(?P<pre>a|b|rc)(?P<number>\d+))?(?:\.dev(?P<dev>\d+))?")
_PRE = {"a": "alpha", "b": "beta", "rc": "rc"}


def semantic_version(version: str) -> str:
    """Return a Python version as krew requires it: semantic, with a leading v. Raises ValueError where impossible."""
    match = _PYTHON_VERSION.fullmatch(version)
    if not match or match["release"].count(".") > 2:
        raise ValueError(f"{version}: not a release version")
    numbers = [int(each) for each in match["release"].split(".")]
    release = ".".join(str(each) for each in (*numbers, 0, 0)[:3])
    pre = [f"{_PRE[match['pre']]}.{match['number']}"] if match["pre"] else []
    dev = [f"dev.{match['dev']}"] if match["dev"] else []
    return f"v{release}" + ("-" + ".".join(pre + dev) if pre or dev else "")


def render(
    archives: Mapping[Platform, Path], *, plugin: str, version: str, homepage: str, url: str, template: str = ""
) -> str:
    """Return the manifest of these archives.

    `url` is the folder from which the archives of a release are downloaded; `{version}` in it is replaced.
    """
    base = url.replace("{version}", version).rstrip("/")
    entries = [_entry(platform, path, plugin=plugin, base=base) for platform, path in sorted(archives.items())]
    text = yaml.safe_dump(entries, sort_keys=False, default_flow_style=False).rstrip("\n")
    return Template(template or TEMPLATE.read_text(encoding="utf-8")).substitute(
        plugin=plugin, version=version, homepage=homepage, platforms=text.replace("\n", "\n    ")
    )


def _entry(platform: Platform, path: Path, *, plugin: str, base: str) -> dict[str, Any]:
    return {
        "selector": {"matchLabels": {"os": platform.os, "arch": platform.arch}},
        "uri": f"{base}/{path.name}",
        "sha256": digest(path),
        "bin": f"kubectl-{plugin}",
    }
