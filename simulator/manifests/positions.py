"""Which line of a manifest a field was written on.

Lines are worked out when a message needs one, from the text that a resource's origin keeps: knowing every line up
front would cost more than reading the files.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from simulator.model.resources import Origin, Resource

Path = Sequence[str | int]


def field_line(resource: Resource, path: Path) -> int:
    """Return the line of the field at `path`, or of the nearest parent that was written; 0 for no file."""
    return line_of(resource.origin, path)


def field_origin(resource: Resource, path: Path) -> Origin:
    """Return the origin of a resource with the line of the field at `path`."""
    return replace(resource.origin, line=line_of(resource.origin, path))


def line_of(origin: Origin, path: Path) -> int:
    """Return the line of a field in the document that `origin` names."""
    root = _nodes(origin.text)
    if root is None or not origin.line:
        return origin.line
    node, line = root, root.start_mark.line
    for step in path:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return origin.line + int(line - root.start_mark.line)


@lru_cache(maxsize=32)
def _nodes(text: str) -> Any:
    """Compose a document that the reader has already accepted; None where it cannot stand alone."""
    if not text:
        return None
    import yaml

    try:
        return _composer()(text.replace("\t", " ") if text.lstrip()[:1] == "{" else text).get_single_node()
    except (yaml.YAMLError, RecursionError):
        return None


@cache
def _composer() -> Any:
    """Return libyaml's composer without its resolution of tags, which takes longer than everything else."""
    from yaml._yaml import CParser

    class Composer(CParser):
        def resolve(self, *_: object) -> str:
            return ""

        def descend_resolver(self, *_: object) -> None:
            pass

        def ascend_resolver(self) -> None:
            pass

    return Composer


def _child(node: Any, step: str | int) -> tuple[int, Any] | None:
    """Return (line, node) of a child: the line of a mapping's key, or of a list's item."""
    children = node.value
    if node.id == "sequence" and isinstance(step, int):
        if -len(children) <= step < len(children):
            return children[step].start_mark.line, children[step]
    elif node.id == "mapping":
        for key, value in children:
            if key.value == str(step):
                return key.start_mark.line, value
    return None
