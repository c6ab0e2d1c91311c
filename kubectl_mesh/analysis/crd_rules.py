"""The CEL rules of Istio's and Gateway API's CRDs (`x-kubernetes-validations`).

`crd_rules.json` holds the rules with their messages, and by kind where they apply (`r`) and the defaults that the API
server fills in before it evaluates them (`d`). In a path `[]` are items of a list, `{}` values of a map. Rules about
changes (`oldSelf`) are left out: files have no previous version.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from kubectl_mesh.analysis.cel import rule
from simulator.model.resources import Resource, field_path
from simulator.model.wire import Json
from simulator.validation.crd import Misfit
from simulator.validation.problems import Path

_ITEMS, _VALUES = "[]", "{}"
_GATEWAY_API = "gateway.networking.k8s.io"


@dataclass(slots=True)
class _Part:
    """A place in a kind's schema: its rules, and the default for a field that is left out."""

    rules: list[tuple[Callable[[Any], bool], str]] = field(default_factory=list)
    default: Any = None
    parts: dict[str, "_Part"] = field(default_factory=dict)

    def at(self, path: str) -> "_Part":
        """Return the part at a path, creating it where it is missing."""
        part = self
        for step in path.replace(_ITEMS, f".{_ITEMS}").replace(_VALUES, f".{_VALUES}").split("."):
            if step:
                part = part.parts.setdefault(step, _Part())
        return part


@cache
def _document() -> Json:
    import json
    from pkgutil import get_data

    document: Json = json.loads(get_data(__name__, "crd_rules.json") or b"{}")
    return document


@cache
def _root(group: str, kind: str) -> _Part | None:
    found = _document()["kinds"].get(f"{group}/{kind}")
    if found is None:
        return None
    root = _Part()
    for path, rules in found["r"].items():
        root.at(path).rules = [(rule(expression), message) for expression, message in map(_rule, rules)]
    for path, default in found.get("d", {}).items():
        root.at(path).default = default
    return root


def _rule(number: int) -> tuple[str, str]:
    expression, message = _document()["rules"][number]
    return expression, message


def broken_rules(resource: Resource) -> Iterator[Misfit]:
    """Yield the rules that a resource breaks, one misfit for each place and rule."""
    root, spec = _root(resource.group, resource.kind), resource.document.get("spec")
    if root is not None and isinstance(spec, dict):
        has_defaults = resource.group == _GATEWAY_API
        yield from _check(_complete(spec, root) if has_defaults else spec, root, ("spec",))


def _complete(value: Any, part: _Part) -> Any:
    """Return a value with defaults filled in; the value itself where nothing is missing."""
    if isinstance(value, list) and _ITEMS in part.parts:
        return [_complete(item, part.parts[_ITEMS]) for item in value]
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for name, inner in part.parts.items():
        if filled.get(name) is not None:
            filled[name] = _complete(filled[name], inner)
        elif inner.default is not None:
            filled[name] = copy.deepcopy(inner.default)
    return filled


def _check(value: Any, part: _Part, path: Path) -> Iterator[Misfit]:
    for holds, message in part.rules:
        if not holds(value):
            yield Misfit(path=path, text=f"{field_path(path)}: {message}")
    if isinstance(value, list):
        each = part.parts.get(_ITEMS)
        if each is not None:
            for number, item in enumerate(value):
                yield from _check(item, each, (*path, number))
    elif isinstance(value, dict):
        every = part.parts.get(_VALUES)
        for name, item in value.items():
            inner = part.parts.get(name, every)
            if inner is not None and item is not None:
                yield from _check(item, inner, (*path, name))
