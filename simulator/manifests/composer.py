"""YAML text → JSON values, with the line where each top-level object and list item starts.

Built on libyaml's events and an explicit stack: deep nesting cannot reach Python's recursion limit, aliases are
counted before they are copied, and one pass is faster than PyYAML's nodes and constructors. Rules of go-yaml v2
(decode.go): duplicate keys are errors, `<<` merges, an alias stands for a copy.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from simulator.manifests.scalars import NUMBER_STARTS, WORDS, key_text, number
from simulator.model.wire import Json

MAX_DEPTH = 200
"""Deeper documents are refused: no Kubernetes object comes near, and recursion downstream must stay safe."""

_MAX_ALIASED_VALUES = 500_000
_TAG = "tag:yaml.org,2002:"
_NO_KEY = object()
_MERGE = object()
_UNFINISHED = object()


class ComposeError(Exception):
    """Text that is not YAML as Kubernetes reads it; `line` counts from 0 within the text."""

    def __init__(self, message: str, *, line: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Composed:
    """One YAML document. `line` counts from 0; `items` has the marks of the mappings two levels down, in order.

    A mark is (line, column, start, end): offsets in characters, so that a list item can be cut out of the text.
    """

    value: Any
    line: int
    items: tuple[tuple[int, int, int, int], ...]


def compose(text: str) -> Iterator[Composed]:
    """Yield the documents of a YAML stream."""
    import yaml

    try:
        yield from _Composer(text).documents()
    except ComposeError as error:
        error.hint = _template_hint(_line(text, error.line)) or error.hint
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ComposeError(
            f"not valid YAML: {error.problem or error.context}", line=mark.line if mark else 0, hint=_hint(text, mark)
        ) from error
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0) or 0
        raise ComposeError(
            f"not valid YAML: {str(error).splitlines()[0]}", line=text.count("\n", 0, position)
        ) from error


def _hint(text: str, mark: Any) -> str:
    line = _line(text, mark.line if mark else -1)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "YAML is indented with spaces; this line has a tab"
    nearby = "".join(_line(text, number) for number in range(mark.line - 2, mark.line + 1)) if mark else ""
    signs = "commas, quotes and braces" if text.lstrip()[:1] == "{" else "indentation, quotes and colons"
    return _template_hint(nearby) or f"check {signs} on this line and before it"


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number] if 0 <= number < len(lines) else ""


def _template_hint(line: str) -> str:
    return "this looks like a template: render it first (helm template, kustomize build)" if "{{" in line else ""


class _Composer:
    """One pass over the events of one text; `container` and `key` say where the next value is stored."""

    def __init__(self, text: str) -> None:
        from yaml import events
        from yaml._yaml import CParser

        self.next: Callable[[], Any] = CParser(text).get_event
        self.document_start: type = events.DocumentStartEvent
        self.document_end: type = events.DocumentEndEvent
        self.stream_end: type = events.StreamEndEvent

    def reset(self) -> None:
        """Forget the previous document."""
        self.anchors: dict[str, Any] = {}
        self.aliased = 0
        self.merged: set[tuple[int, str]] = set()
        self.container: Any = []
        self.key: Any = _NO_KEY
        self.opened: Any = None
        self.parents: list[tuple[Any, Any, Any]] = []
        self.line = 0
        self.items: list[tuple[int, int, int, int]] = []

    def documents(self) -> Iterator[Composed]:
        """Yield one document after another."""
        next_event, handlers = self.next, _handlers()
        while (kind := type(next_event())) is not self.stream_end:
            if kind is not self.document_start:
                continue
            self.reset()
            while (kind := type(event := next_event())) is not self.document_end:
                handlers[kind](self, event)
            yield Composed(self.container[0], self.line, tuple(self.items))

    def put(self, value: Any, event: Any) -> None:
        """Add a finished value to the open container."""
        container, key = self.container, self.key
        if type(container) is list:
            container.append(value)
        elif key is _NO_KEY:
            is_plain = type(value) is str and value != "<<" and value not in container
            self.key = value if is_plain else self.key_of(value, event)
        else:
            self.key = _NO_KEY
            if key is _MERGE:
                self.merged.update((id(container), added) for added in _merge(container, value, event))
            else:
                container[key] = value

    def key_of(self, value: Any, event: Any) -> Any:
        """Turn a scalar into the key of the open mapping."""
        if value == "<<" and event.implicit[0]:
            return _MERGE
        if type(value) is not str:
            try:
                value = key_text(value)
            except ValueError:
                raise _error("a key must be a string", event) from None
        if value in self.container and (id(self.container), value) not in self.merged:
            raise _error(f'key "{value}" is given twice in this mapping', event, hint="remove one of the two")
        return value

    def on_scalar(self, event: Any) -> None:
        """Read a scalar: quoted text as it is, a plain word or number as go-yaml does."""
        value = event.value
        if event.tag is not None and event.tag != "!":
            value = _tagged(event)
        elif event.implicit[0] and (value in WORDS or value[0] in NUMBER_STARTS):
            value = _plain(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        self.put(value, event)

    def on_mapping(self, event: Any) -> None:
        """Open a mapping."""
        self.open({}, event)

    def on_sequence(self, event: Any) -> None:
        """Open a list."""
        self.open([], event)

    def open(self, container: Any, event: Any) -> None:
        """Make `container` the place for values until it ends."""
        parents = self.parents
        if type(self.container) is dict and self.key is _NO_KEY:
            raise _error(
                "a key must be a string, not a list or mapping", event, hint="quote text that has { or [ in it"
            )
        if not parents:
            self.line = event.start_mark.line
        elif len(parents) > MAX_DEPTH:
            raise _error(
                f"nested deeper than {MAX_DEPTH} levels", event, hint="no Kubernetes object is nested this deep"
            )
        if event.anchor is not None:
            self.anchors[event.anchor] = _UNFINISHED
        parents.append((self.container, self.key, self.opened))
        self.container, self.key, self.opened = container, _NO_KEY, event

    def on_end(self, event: Any) -> None:
        """Close the open container and add it to its parent."""
        value, opened = self.container, self.opened
        if len(self.parents) == 3 and type(value) is dict:
            mark = opened.start_mark
            self.items.append((mark.line, mark.column, mark.index, event.end_mark.index))
        if opened.anchor is not None:
            self.anchors[opened.anchor] = value
        self.container, self.key, self.opened = self.parents.pop()
        self.put(value, event)

    def on_alias(self, event: Any) -> None:
        """Put a copy of what an anchor names."""
        value = self.anchors.get(event.anchor, _NO_KEY)
        if value is _NO_KEY:
            raise _error(f'unknown anchor "{event.anchor}"', event)
        if value is _UNFINISHED:
            raise _error(f'anchor "{event.anchor}" contains itself', event)
        if type(value) in (dict, list):
            self.aliased += _size(value, _MAX_ALIASED_VALUES)
            if self.aliased > _MAX_ALIASED_VALUES:
                raise _error(
                    "aliases expand to too many values", event, hint="write the values out instead of *aliases"
                )
            value = _copy(value)
        self.put(value, event)


@cache
def _handlers() -> Mapping[type, Callable[[_Composer, Any], None]]:
    """Return what to do on each type of event."""
    from yaml import events

    return {
        events.ScalarEvent: _Composer.on_scalar,
        events.MappingStartEvent: _Composer.on_mapping,
        events.SequenceStartEvent: _Composer.on_sequence,
        events.MappingEndEvent: _Composer.on_end,
        events.SequenceEndEvent: _Composer.on_end,
        events.AliasEvent: _Composer.on_alias,
    }


def _error(message: str, event: Any, *, hint: str = "") -> ComposeError:
    return ComposeError(message, line=event.start_mark.line, hint=hint)


def _plain(event: Any) -> Any:
    text = event.value
    value = WORDS[text] if text in WORDS else number(text)
    if value is None and text not in WORDS:
        return text
    if value != value:
        raise _error(f"{text} is a number that JSON cannot carry", event, hint="quote it if it is text")
    return value


def _tagged(event: Any) -> Any:
    text, tag = event.value, event.tag.removeprefix(_TAG)
    match tag:
        case "str" | "timestamp":
            return text
        case "binary":
            import base64

            try:
                return base64.b64decode(text, validate=False).decode("utf-8", "replace")
            except ValueError:
                raise _error("!!binary value is not base64", event) from None
        case "bool" | "int" | "float" | "null":
            return _plain(event) if text in WORDS or text[0] in NUMBER_STARTS else text
    return text


def _merge(container: Json, value: Any, event: Any) -> list[str]:
    """Add the merged keys that a mapping lacks and return them: keys written after `<<` may still override those."""
    added: list[str] = []
    for source in value if type(value) is list else (value,):
        if type(source) is not dict:
            raise _error("<< merges a mapping or a list of mappings", event)
        for key, merged in source.items():
            if key not in container:
                container[key] = merged
                added.append(key)
    return added


def _size(value: Any, limit: int) -> int:
    """Count values without recursion, giving up above `limit`."""
    count, todo = 0, [value]
    while todo and count <= limit:
        current = todo.pop()
        count += 1
        if type(current) is dict:
            todo.extend(current.values())
        elif type(current) is list:
            todo.extend(current)
    return count


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if type(value) is list else value
