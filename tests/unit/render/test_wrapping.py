"""Lines longer than a terminal."""

import pytest

from kubectl_mesh.render.wrapping import wrapped

LINE = "  listener       0.0.0.0_80      the listener for port 80 on any address (none for 10.96.9.128:80)\n"


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        (LINE, 0, LINE),
        (LINE, 120, LINE),
        (
            LINE,
            70,
            "  listener       0.0.0.0_80      the listener for port 80 on any\n"
            "                                 address (none for 10.96.9.128:80)\n",
        ),
        (
            LINE,
            60,
            "  listener       0.0.0.0_80      the listener for port 80 on\n"
            "                 any address (none for 10.96.9.128:80)\n",
        ),
        ("note: one two three four\n\nfive\n", 14, "note: one two\n  three four\n\nfive\n"),
        ("  a-name-that-is-longer-than-the-terminal so\n", 20, "  a-name-that-is-longer-than-the-terminal\n    so\n"),
        ("\x1b[1mone\x1b[0m \x1b[2mtwo three\x1b[0m\n", 13, "\x1b[1mone\x1b[0m \x1b[2mtwo three\x1b[0m\n"),
    ],
)
def test_long_lines_go_on_below_their_last_column(text: str, width: int, expected: str) -> None:
    """Only lines that are too wide change; words stay whole, and styles take no room."""
    assert wrapped(text, width=width) == expected
