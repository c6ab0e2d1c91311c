"""Values in a test file with their paths, so that every error can name the file and the line."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from kubectl_mesh.errors import InputError
from simulator.model.resources import Origin, field_path

Item = TypeVar("Item")
_LISTED = 30
_ON = "on"
_CAMEL = re.compile(r"_([a-z0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value with its position. Its methods raise InputError for a value of another form than they return."""

    value: Any
    origin: Origin
    path: tuple[str | int, ...] = ()
    spelling: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Key → its spelling in the file, where that differs."""

    @property
    def position(self) -> str:
        """`file:line` of the value."""
        from simulator.manifests.positions import line_of

        return f"{self.origin.source}:{line_of(self.origin, self.path)}"

    @property
    def name(self) -> str:
        """The path as text: `spec.cases[0].expect`."""
        return field_path(self.path)

    def wrong(self, problem: str, *, hint: str = "") -> InputError:
        """Return an error about this value, to be raised."""
        return InputError(f"{self.position}: {self.name}: {problem}", hint=hint)

    def fields(self, *known: str) -> Mapping[str, "Node"]:
        """Return the children of an object that may have `known` keys only; null values are left out."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"an object is needed, not {_kind(self.value)}", hint=f"its keys are {', '.join(known)}")
        for key in self.value:
            if key not in known and not _is_on(key, known):
                close = get_close_matches(str(key), known, n=1)
                words = [self._spelt(word) for word in close or known]
                hint = f"did you mean {words[0]}?" if close else f"keys here are {', '.join(words)}"
                raise self._named(str(key), None).wrong("no such key", hint=hint)
        named = ((_ON if _is_on(key, known) else key, value) for key, value in self.value.items())
        return {key: self._named(key, value) for key, value in named if value is not None}

    def stated(self, *known: str) -> Mapping[str, "Node"]:
        """Return the children of an object that must have at least one."""
        fields = self.fields(*known)
        if not fields:
            raise self.wrong("nothing is stated", hint=f"its keys are {', '.join(known)}")
        return fields

    def camel(self) -> "Node":
        """Return an object with its keys in camelCase: protobuf's JSON allows both spellings."""
        if not isinstance(self.value, dict):
            return self
        names = {key: _CAMEL.sub(lambda found: found[1].upper(), str(key)) for key in self.value}
        spelling = {name: str(key) for key, name in names.items()}
        return replace(self, value={name: self.value[key] for key, name in names.items()}, spelling=spelling)

    def _spelt(self, key: str) -> str:
        """Return a key in the spelling of the file."""
        snakes = any("_" in each for each in self.spelling.values())
        return re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key) if snakes else key

    def entries(self) -> Mapping[str, "Node"]:
        """Return the children of an object with arbitrary keys."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"an object is needed, not {_kind(self.value)}")
        return {str(key): self._named(str(key), value) for key, value in self.value.items()}

    def _named(self, key: str, value: Any) -> "Node":
        return Node(value=value, origin=self.origin, path=(*self.path, self.spelling.get(key, key)))

    def child(self, step: str | int) -> "Node":
        """Return a child by key or index."""
        return Node(value=self.value[step], origin=self.origin, path=(*self.path, step))

    def items(self) -> Iterator["Node"]:
        """Yield the items of a list."""
        if not isinstance(self.value, list):
            raise self.wrong(f"a list is needed, not {_kind(self.value)}")
        yield from (self.child(index) for index in range(len(self.value)))

    def text(self, *, among: Collection[str] = ()) -> str:
        """Return a string, or a number as it is written. `among` has the allowed values."""
        if isinstance(self.value, bool) or not isinstance(self.value, str | int | float):
            raise self.wrong(f"a text is needed, not {_kind(self.value)}")
        text = str(self.value)
        if among and text not in among:
            close = get_close_matches(text, among, n=1)
            hint = f"did you mean {close[0]}?" if close else f"one of {_listed(among)}"
            raise self.wrong(f"{text} is not known", hint=hint)
        return text

    def texts(self) -> tuple[str, ...]:
        """Return a list of strings; a single string is a list of one."""
        return (self.text(),) if isinstance(self.value, str) else tuple(item.text() for item in self.items())

    def number(self) -> float:
        """Return a number, with or without a per cent sign."""
        text = self.value.removesuffix("%") if isinstance(self.value, str) else self.value
        if isinstance(text, bool) or text is None:
            raise self.wrong("a number is needed")
        try:
            return float(text)
        except (TypeError, ValueError) as error:
            raise self.wrong(f"a number is needed, not {_kind(self.value)}") from error

    def per_cent(self) -> float:
        """Return a number from 0 to 100, with or without a per cent sign."""
        number = self.number()
        if not 0 <= number <= 100:
            raise self.wrong(f"{number:g} is not from 0 to 100")
        return number

    def integer(self) -> int:
        """Return a whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong(f"a whole number is needed, not {_kind(self.value)}")
        return self.value

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self.wrong(f"true or false is needed, not {_kind(self.value)}")
        return self.value


def _is_on(key: object, known: Collection[str]) -> bool:
    """Tell whether a key is the word `on`, which YAML reads as a boolean unless it is quoted."""
    return key in (True, "true") and _ON in known


def each(node: Node | None, read: Callable[[Node], Item]) -> tuple[Item, ...]:
    """Read every item of a list; none where the list is absent."""
    return tuple(read(item) for item in node.items()) if node is not None else ()


def _listed(words: Collection[str]) -> str:
    shown = list(words)[:_LISTED]
    return ", ".join(shown) + (" …" if len(words) > _LISTED else "")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")
