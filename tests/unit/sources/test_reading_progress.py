import io

from kubectl_mesh.sources.reading_progress import counted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Claim to be one."""
        return True


def test_a_terminal_sees_how_far_reading_is() -> None:
    """The count is written over itself, and wiped off at the end."""
    out = Terminal()
    with counted(out) as progress:
        assert progress is not None
        progress("mesh.yaml", 1499)
    assert "reading mesh.yaml: 1,499 documents" in out.getvalue()
    assert out.getvalue().endswith("\r\033[K")


def test_a_pipe_and_a_small_file_see_nothing() -> None:
    """What is redirected, or done at once, is not written into."""
    with counted(io.StringIO()) as progress:
        assert progress is None
    out = Terminal()
    with counted(out) as progress:
        assert progress is not None
        progress("mesh.yaml", 3)
    assert out.getvalue() == ""
