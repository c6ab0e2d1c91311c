"""Texts → decoded documents, each with its line and the slice of text it was read from.

kubectl (k8s.io/apimachinery/pkg/util/yaml) reads text that begins with `{` as JSON, one or more values in
sequence, and anything else as YAML. Lists are split into their items here, where the items' lines are known.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.manifests.composer import Composed, ComposeError, compose
from simulator.manifests.jsontext import NotPlainJson, json_documents
from simulator.manifests.lists import is_list, item_of
from simulator.manifests.second_process import WORTH_IT, Child, can_fork, halved
from simulator.model.errors import ManifestError

_BOUNDARY = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)

Found = tuple[Any, int, int, int, int]
"""(value, line from 0 in the file, column, start, end) of a document; the end is -1 for the whole piece."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A YAML document before it is decoded; `line` counts from 0."""

    source: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A decoded document or item of a list; `line` counts from 1, `text` is its own text."""

    source: str
    value: Any
    line: int
    text: str


def documents(
    texts: Iterable[tuple[str, str]],
    *,
    progress: Callable[[str, int, int], None] | None,
    refused: Callable[[ManifestError], None] | None = None,
) -> Iterator[Document]:
    """Yield the documents of (source, text) pairs in order, without empty ones, lists split into their items.

    One that cannot be read raises ManifestError, or is handed to `refused` and left out.
    """
    pieces: list[Piece] = []
    decoded: dict[int, list[Document]] = {}  # by the number of the piece that they come before
    for source, text in texts:
        found = _json(text, source=source) if text.lstrip()[:1] == "{" else None
        if found is not None:
            decoded.setdefault(len(pieces), []).extend(found)
        else:
            pieces.extend(_split(text.replace("\t", " ") if text.lstrip()[:1] == "{" else text, source=source))
    for number, (piece, results) in enumerate(_composed(pieces, progress, refused)):
        yield from decoded.pop(number, ())
        for value, line, column, start, end in results:
            text = piece.text if end < 0 else " " * column + piece.text[start:end]
            yield Document(piece.source, value, line + 1, text)
    yield from decoded.pop(len(pieces), ())


def _json(text: str, *, source: str) -> list[Document] | None:
    try:
        return [Document(source, value, line + 1, text[start:end]) for value, line, start, end in json_documents(text)]
    except NotPlainJson:
        return None


def _split(text: str, *, source: str) -> Iterator[Piece]:
    """Cut a YAML stream into documents; `---` at the start of a line always separates two."""
    start = line = 0
    for match in _BOUNDARY.finditer(text):
        if match.start() > start:
            yield Piece(source, line, text[start : match.start()])
            line += text.count("\n", start, match.start())
        start = match.start()
    if start < len(text):
        yield Piece(source, line, text[start:])


def _composed(
    pieces: Sequence[Piece],
    progress: Callable[[str, int, int], None] | None,
    refused: Callable[[ManifestError], None] | None,
) -> Iterator[tuple[Piece, list[Found]]]:
    """Compose pieces in order; of long input, the second half in a second process."""
    cut, child = len(pieces), None
    if sum(len(piece.text) for piece in pieces) >= WORTH_IT and can_fork():
        cut = halved(pieces, size=lambda piece: len(piece.text))
        child = Child(lambda: [_compose(piece) for piece in pieces[cut:]])
    try:
        for number, piece in enumerate(pieces[:cut]):
            if progress is not None and number % 500 == 499:
                progress(piece.source, number * len(pieces) // cut, len(pieces))
            yield piece, _compose_or_refuse(piece, refused)
    finally:
        rest = child.value() if child is not None else None
    if rest is None:  # the child failed: compose its half here, to report the error
        rest = (_compose_or_refuse(piece, refused) for piece in pieces[cut:])
    yield from zip(pieces[cut:], rest, strict=True)


def _compose_or_refuse(piece: Piece, refused: Callable[[ManifestError], None] | None) -> list[Found]:
    if refused is None:
        return _compose(piece)
    try:
        return _compose(piece)
    except ManifestError as error:
        refused(error)
        return []


def _compose(piece: Piece) -> list[Found]:
    """Decode one piece, or raise a ManifestError with the line in its file."""
    if _is_blank(piece.text):
        return []
    try:
        return [
            found
            for composed in compose(piece.text)
            if composed.value is not None
            for found in _opened(composed, first_line=piece.line)
        ]
    except ComposeError as error:
        line = piece.line + error.line + 1
        raise ManifestError(error.message, path=piece.source, line=line, hint=error.hint) from error


def _is_blank(text: str) -> bool:
    body = text.removeprefix("---").lstrip()
    return not body or (body[0] in "#%" and all(line.lstrip()[:1] in ("", "#", "%") for line in body.splitlines()))


def _opened(composed: Composed, *, first_line: int) -> Iterator[Found]:
    value = composed.value
    if not is_list(value):
        yield value, first_line + composed.line, 0, 0, -1
        return
    marks = iter(composed.items if len(composed.items) == len(value["items"]) else ())
    for item in value["items"]:
        line, column, start, end = next(marks, (composed.line, 0, 0, 0))
        yield item_of(item, of=value), first_line + line, column, start, end
