"""Text → decoded documents, each with its line and the slice of text it was read from.

kubectl (k8s.io/apimachinery/pkg/util/yaml) takes text that begins with `{` for JSON, one or more values after each
other, and anything else for YAML. Lists are opened here, since the lines of their items are known only here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.manifests.composer import Composed, ComposeError, compose
from simulator.manifests.jsontext import NotPlainJson, json_documents
from simulator.manifests.lists import is_list, item_of
from simulator.model.errors import ManifestError

_BOUNDARY = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """A decoded document or item of a list; `line` counts from 1, `text` is its own text."""

    value: Any
    line: int
    text: str


def split(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line from 0, text) of each YAML document; `---` at the start of a line always parts two."""
    start = line = 0
    for match in _BOUNDARY.finditer(text):
        if match.start() > start:
            yield line, text[start : match.start()]
            line += text.count("\n", start, match.start())
        start = match.start()
    if start < len(text):
        yield line, text[start:]


def documents(text: str, *, source: str) -> Iterator[Document]:
    """Yield the documents in `text` that are not empty, lists opened."""
    if text.lstrip()[:1] == "{":
        try:
            for value, line, start, end in json_documents(text):
                yield Document(value, line + 1, text[start:end])
            return
        except NotPlainJson:
            text = text.replace("\t", " ")  # allowed between JSON's tokens, not in YAML
    for line, chunk in split(text):
        yield from yaml_documents(chunk, first_line=line, source=source)


def yaml_documents(chunk: str, *, first_line: int, source: str) -> Iterator[Document]:
    """Yield the documents of one piece that `split` made; `first_line` counts from 0."""
    if _is_blank(chunk):
        return
    try:
        for composed in compose(chunk):
            if composed.value is not None:
                yield from _opened(composed, chunk=chunk, first_line=first_line)
    except ComposeError as error:
        raise ManifestError(error.message, path=source, line=first_line + error.line + 1, hint=error.hint) from error


def _is_blank(chunk: str) -> bool:
    body = chunk.removeprefix("---")
    return not body.strip() or all(line.lstrip()[:1] in ("", "#", "%") for line in body.splitlines())


def _opened(composed: Composed, *, chunk: str, first_line: int) -> Iterator[Document]:
    value = composed.value
    if not is_list(value):
        yield Document(value, first_line + composed.line + 1, chunk)
        return
    marks = iter(composed.items if len(composed.items) == len(value["items"]) else ())
    for item in value["items"]:
        mark = next(marks, None)
        item = item_of(item, of=value)
        if mark is None:
            yield Document(item, first_line + composed.line + 1, "")
        else:
            line, column, start, end = mark
            yield Document(item, first_line + line + 1, " " * column + chunk[start:end])
