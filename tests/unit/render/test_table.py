"""Columns as Go's tabwriter lays them out."""

from hypothesis import given
from hypothesis import strategies as st

from kubectl_mesh.render.table import align, render
from kubectl_mesh.reports.tables import Column, Table


def test_cells_are_padded_to_their_column() -> None:
    """A column is as wide as its widest cell and the padding; the last one is not padded."""
    assert align([["A", "B"], ["long", "x"]], padding=3) == "A      B\nlong   x\n"


def test_empty_last_cell_leaves_the_padding_before_it() -> None:
    """An empty last cell leaves trailing blanks, as kubectl's tables have them."""
    assert align([["A", "B"], ["x", ""]], padding=2) == "A  B\nx  \n"


def test_short_line_starts_new_columns() -> None:
    """A line with fewer cells ends the columns above it."""
    assert align([["wide cell", "b"], ["alone"], ["x", "y"]], padding=1) == "wide cell b\nalone\nx y\n"


def test_control_characters_are_shown_not_sent() -> None:
    """A name cannot move the cursor, colour the terminal or break a line."""
    assert align([["\x1b[31mred\nline\t‮"]], padding=1) == "\\x1b[31mred\\nline\\t\\u202e\n"


def test_wide_columns_only_where_asked_for() -> None:
    """`-o wide` shows more columns of the same rows."""
    table: Table[str] = Table(
        columns=(Column(header="NAME", value=str), Column(header="LENGTH", value=lambda row: str(len(row)), wide=True)),
        rows=("abc",),
    )
    assert render(table) == "NAME\nabc\n"
    assert render(table, wide=True) == "NAME   LENGTH\nabc    3\n"


@given(st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=4), max_size=8), st.integers(0, 5))
def test_every_line_is_one_line_and_columns_line_up(lines: list[list[str]], padding: int) -> None:
    """Whatever the cells hold, the output has a line for each, and equal prefixes of lines end in one column."""
    text = align(lines, padding=padding)
    assert text.count("\n") == len(lines)
    assert text.replace("\n", "").isprintable() or all(
        c.isprintable() or c == " " or ord(c) > 127 for c in text if c != "\n"
    )
