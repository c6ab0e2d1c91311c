"""JSON objects that can be part of a dependence: compared and hashed by content."""

import json
from typing import Any

from simulator.model.wire import Json


class Document:
    """A JSON object that is no longer changed, compared and hashed by its content."""

    __slots__ = ("_text", "value")

    def __init__(self, value: Json | None = None) -> None:
        self.value: Json = value or {}
        self._text = json.dumps(self.value, sort_keys=True, separators=(",", ":"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Document({self._text})"

    def get(self, *path: str, default: Any = None) -> Any:
        """Follow `path` through nested objects; `default` where a step is missing or null."""
        value: Any = self.value
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
            if value is None:
                return default
        return value
