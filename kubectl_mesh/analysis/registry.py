"""The list of all analyzers: each module under `analyzers/` lists its own in `ANALYZERS`."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from kubectl_mesh.errors import UsageError

if TYPE_CHECKING:
    from kubectl_mesh.analysis.analyzer import Analyzer

_ON_REQUEST = frozenset({"annotations.AlphaAnalyzer"})
"""istioctl runs these before an upgrade only."""


@cache
def analyzers() -> Mapping[str, "Analyzer"]:
    """Return every analyzer by its name, sorted."""
    found = {each.name: each for each in _all()}
    return {name: found[name] for name in sorted(found)}


def _all() -> Iterator["Analyzer"]:
    from kubectl_mesh.analysis import analyzers as package

    for module in pkgutil.iter_modules(package.__path__):
        yield from getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "ANALYZERS", ())


def chosen(names: tuple[str, ...]) -> tuple["Analyzer", ...]:
    """Return the analyzers of these names; all that run by default for none."""
    known = analyzers()
    if not names:
        return tuple(each for name, each in known.items() if name not in _ON_REQUEST)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: no such analyzer", hint="--list-analyzers names them")
    return tuple(known[name] for name in names)
