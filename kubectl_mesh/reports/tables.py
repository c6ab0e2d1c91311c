"""Rows and the columns they are shown in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """One column: its header, how a row fills it, and whether only `-o wide` shows it."""

    header: str
    value: Callable[[Row], str]
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Generic[Row]):
    """Rows in the order they are shown. `padding` is the least number of blanks between two columns."""

    columns: tuple[Column[Row], ...]
    rows: tuple[Row, ...]
    padding: int = 3
    headers: bool = True

    def cells(self, *, wide: bool = False) -> list[list[str]]:
        """Return the text of every cell, the line of headers first."""
        shown = [column for column in self.columns if wide or not column.wide]
        lines = [[column.header for column in shown]] if self.headers else []
        return lines + [[column.value(row) for column in shown] for row in self.rows]
