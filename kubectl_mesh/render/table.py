"""Tables as kubectl and istioctl print them: elastic columns, a cell padded to its column only when another follows.

Go: text/tabwriter with blanks for padding and minimal width 0. A column is a run of neighbouring lines that reach past
it, so a line with fewer cells starts new columns below it.
"""

from collections.abc import Sequence

from kubectl_mesh.render.terminal import printable
from kubectl_mesh.reports.tables import Row, Table


def render(table: Table[Row], *, wide: bool = False) -> str:
    """Return the table as text, each line ended."""
    return align(table.cells(wide=wide), padding=table.padding)


def align(lines: Sequence[Sequence[str]], *, padding: int) -> str:
    """Lay out lines of cells; control characters in cells are made visible."""
    shown = [[printable(cell) for cell in line] for line in lines]
    padded = [list(line) for line in shown]
    _pad(padded, first=0, last=len(padded), column=0, padding=padding)
    return "".join("".join(line) + "\n" for line in padded)


def _pad(lines: list[list[str]], *, first: int, last: int, column: int, padding: int) -> None:
    """Pad one column of `lines[first:last]`, block by block, and the columns to the right of each block."""
    line = first
    while line < last:
        start = line
        while line < last and len(lines[line]) > column + 1:
            line += 1
        if line == start:
            line += 1
            continue
        width = max(len(lines[i][column]) for i in range(start, line)) + padding
        for i in range(start, line):
            lines[i][column] = lines[i][column].ljust(width)
        _pad(lines, first=start, last=line, column=column + 1, padding=padding)
