"""JSON text → values with their positions, at the speed of Python's own decoder.

Text that it rejects (broken text, duplicate keys, NaN, great depth) is left to the YAML reader, which reports the
position of the error.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from simulator.manifests.composer import MAX_DEPTH
from simulator.manifests.lists import is_list, item_of

_SPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NotPlainJson(Exception):
    """The text needs the slower reader, or its error message."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotPlainJson
    return value


def _refuse(_: str) -> Any:
    raise NotPlainJson


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)


def json_documents(text: str) -> Iterator[tuple[Any, int, int, int]]:
    """Return (value, line from 0, start, end) of each object, or raise NotPlainJson before the first is used."""
    try:
        found = list(_documents(text))
    except (ValueError, RecursionError) as error:
        raise NotPlainJson from error
    if _SURROGATE.search(text) and not _is_printable(found):
        raise NotPlainJson
    return iter(found)


def _documents(text: str) -> Iterator[tuple[Any, int, int, int]]:
    line = counted = position = 0
    while (position := _skip(text, position)) < len(text):
        if text.startswith("---", position):  # kubectl separates JSON documents with it too
            position += 3
            continue
        value, end = _DECODER.raw_decode(text, position)
        _check_depth(value)
        for item, start, stop in _items(text, value, position, end):
            line += text.count("\n", counted, start)
            counted = start
            yield item, line, start, stop
        position = end


def _items(text: str, value: Any, start: int, end: int) -> Iterator[tuple[Any, int, int]]:
    if not is_list(value):
        yield value, start, end
        return
    for item, item_start, item_end in _list_items(text, start):
        yield item_of(item, of=value), item_start, item_end


def _list_items(text: str, position: int) -> Iterator[tuple[Any, int, int]]:
    """Yield (value, start, end) of each element of `items` in a JSON object that is known to be valid."""
    position = _skip(text, position + 1)
    while text[position] != "}":
        key, position = _DECODER.raw_decode(text, position)
        position = _skip(text, _skip(text, position) + 1)
        if key == "items":
            position = _skip(text, position + 1)
            while text[position] != "]":
                item, end = _DECODER.raw_decode(text, position)
                yield item, position, end
                position = _skip(text, end)
                position = _skip(text, position + 1) if text[position] == "," else position
            return
        _, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position)
        position = _skip(text, position + 1) if text[position] == "," else position


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise NotPlainJson
        containers = [item for item in level if type(item) is dict or type(item) is list]
        level = [child for item in containers for child in (item.values() if type(item) is dict else item)]


def _is_printable(found: list[tuple[Any, int, int, int]]) -> bool:
    """Tell whether no lone half of a surrogate pair is left in any string."""
    try:
        json.dumps([value for value, *_ in found], ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
