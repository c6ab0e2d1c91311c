"""Rules of CRDs (`x-kubernetes-validations`), evaluated as the API server does.

Documents are plain JSON values: mappings, lists, text, numbers; a null field counts as absent.
Functions: those of cel-spec that rules of the mesh's CRDs use, and Kubernetes' own for URLs and addresses.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from simulator.model.addresses import is_address
from simulator.validation.cel_parser import Node, parse
from simulator.validation.names import milliseconds
from simulator.validation.urls import parse as parse_url

Names = Mapping[str, Any]
Compiled = Callable[[Names], Any]
_ABSENT = object()


class CelError(Exception):
    """A rule has no value for this document, such as one that reads a field which is absent."""


@lru_cache(maxsize=1024)
def rule(expression: str) -> Callable[[Any], bool]:
    """Return a test of whether a value (`self`) keeps a rule; a rule without a value for it counts as kept."""
    evaluate = _compile(parse(expression))

    def holds(value: Any) -> bool:
        try:
            return evaluate({"self": value}) is not False
        except (CelError, TypeError, ValueError, IndexError, AttributeError):
            return True

    return holds


def _compile(node: Node) -> Compiled:
    match node.kind:
        case "literal":
            return lambda names: node.value
        case "name":
            return lambda names: _known(names, node.value)
        case "field":
            return _field(node)
        case "index":
            return _index(node)
        case "list":
            items = [_compile(each) for each in node.parts]
            return lambda names: [item(names) for item in items]
        case "map":
            return _map(node)
        case "choice":
            condition, yes, no = map(_compile, node.parts)
            return lambda names: yes(names) if condition(names) else no(names)
        case "operator":
            return _operator(node)
    return _call(node)


def _known(names: Names, name: str) -> Any:
    if name not in names:
        raise CelError(f"undeclared reference to '{name}'")
    return names[name]


def _get(value: Any, field: Any) -> Any:
    found = value.get(field) if isinstance(value, dict) else None
    return _ABSENT if found is None else found


def _field(node: Node) -> Compiled:
    target, field = _compile(_target(node)), node.value

    def get(names: Names) -> Any:
        found = _get(target(names), field)
        if found is _ABSENT:
            raise CelError(f"no such key: {field}")
        return found

    return get


def _target(node: Node) -> Node:
    if node.target is None:
        raise CelError(f"{node.value} of nothing")
    return node.target


def _index(node: Node) -> Compiled:
    target, index = _compile(_target(node)), _compile(node.parts[0])

    def get(names: Names) -> Any:
        value, key = target(names), index(names)
        if isinstance(value, list):
            return value[key]
        found = _get(value, key)
        if found is _ABSENT:
            raise CelError(f"no such key: {key}")
        return found

    return get


def _map(node: Node) -> Compiled:
    parts = [_compile(each) for each in node.parts]
    return lambda names: {key(names): value(names) for key, value in zip(parts[::2], parts[1::2], strict=True)}


_BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": lambda one, other: one == other and isinstance(one, bool) == isinstance(other, bool),
    "!=": lambda one, other: one != other or isinstance(one, bool) != isinstance(other, bool),
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "%": operator.mod,
    "in": lambda one, other: one in other,
}


def _operator(node: Node) -> Compiled:
    if len(node.parts) == 1:
        only = _compile(node.parts[0])
        return (lambda names: not only(names)) if node.value == "!" else (lambda names: -only(names))
    left, right = map(_compile, node.parts)
    if node.value in ("&&", "||"):
        return _logic(left, right, decided=node.value == "||")
    apply = _BINARY[node.value]
    return lambda names: apply(left(names), right(names))


def _logic(left: Compiled, right: Compiled, *, decided: bool) -> Compiled:
    """Compile `&&` or `||`; a side with the value `decided` decides alone, even where the other side is an error."""

    def evaluate(names: Names) -> bool:
        try:
            first = left(names)
        except CelError:
            if bool(right(names)) != decided:
                raise
            return decided
        return decided if bool(first) == decided else bool(right(names))

    return evaluate


def _call(node: Node) -> Compiled:
    if node.value == "has":
        inner = node.parts[0]
        holder = _compile(_target(inner))
        return lambda names: _get(holder(names), inner.value) is not _ABSENT
    if node.value in _MACROS and node.target is not None and node.parts:
        return _macro(node)
    given = [_compile(each) for each in (*((node.target,) if node.target else ()), *node.parts)]
    function = _FUNCTIONS.get(node.value)
    if function is None:
        raise CelError(f"unknown function {node.value}")
    return lambda names: function(*(each(names) for each in given))


_MACROS: Mapping[str, Callable[[list[Any], list[bool]], Any]] = {
    "all": lambda items, held: all(held),
    "exists": lambda items, held: any(held),
    "exists_one": lambda items, held: sum(held) == 1,
    "filter": lambda items, held: [item for item, kept in zip(items, held, strict=True) if kept],
    "map": lambda items, held: held,
}


def _macro(node: Node) -> Compiled:
    target, variable, body = _compile(_target(node)), node.parts[0].value, _compile(node.parts[1])
    combine = _MACROS[node.value]

    def evaluate(names: Names) -> Any:
        items = list(target(names))
        return combine(items, [body({**names, variable: item}) for item in items])

    return evaluate


def _matches(text: str, pattern: str) -> bool:
    return bool(_pattern(pattern).search(text))


@lru_cache(maxsize=256)
def _pattern(text: str) -> Any:
    import re2

    return re2.compile(text)


def _duration(text: str) -> float:
    found = milliseconds(text)
    if found is None:
        raise CelError(f"{text} is no duration")
    return found


def _is_url(text: str) -> bool:
    return not parse_url(text, absolute=True).problem


def _substring(text: str, start: int, end: int | None = None) -> str:
    if not 0 <= start <= (len(text) if end is None else end) <= len(text):
        raise CelError("index out of range")
    return text[start:end]


def _split(text: str, separator: str) -> Sequence[str]:
    return text.split(separator)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "contains": lambda text, part: part in text,
    "duration": _duration,
    "endsWith": lambda text, end: text.endswith(end),
    "getScheme": lambda url: parse_url(url).scheme,
    "int": int,
    "isIP": is_address,
    "isURL": _is_url,
    "matches": _matches,
    "size": len,
    "split": _split,
    "startsWith": lambda text, start: text.startswith(start),
    "string": str,
    "substring": _substring,
    "url": lambda text: text,
}
