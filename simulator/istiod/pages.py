"""Answers of HTTP interfaces."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Status, content type and body of an answer."""

    body: bytes
    status: int = 200
    content_type: str = "text/plain; charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()


def text(body: str, *, status: int = 200) -> Page:
    """Return a page of text."""
    return Page(body=body.encode(), status=status)


def document(value: Any, *, indent: int | None = None, status: int = 200) -> Page:
    """Return a JSON page."""
    separators = None if indent else (",", ":")
    body = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False)
    return Page(body=body.encode(), status=status, content_type="application/json")
