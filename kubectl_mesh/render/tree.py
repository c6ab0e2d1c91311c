"""Nested lines, drawn as a tree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Node:
    """One line and those below it."""

    text: str
    children: Sequence["Node"] = field(default=())


def lines(nodes: Sequence[Node], *, indent: str = "") -> Iterator[str]:
    """Draw siblings and what lies below them."""
    for position, node in enumerate(nodes):
        last = position == len(nodes) - 1
        yield f"{indent}{'└─ ' if last else '├─ '}{node.text}"
        yield from lines(node.children, indent=indent + ("   " if last else "│  "))
