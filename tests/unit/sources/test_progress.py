import io
import threading
import time

import pytest

from kubectl_mesh.sources import progress
from kubectl_mesh.sources.progress import Wait, counted, waiting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Claim to be one."""
        return True


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show a wait after a moment."""
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    monkeypatch.setattr(progress, "_INTERVAL", 0.01)


def until(test: object, seconds: float = 5.0) -> None:
    """Wait until a function returns something true."""
    assert callable(test)
    deadline = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_terminal_sees_what_takes_long() -> None:
    """The words are written over themselves, and wiped off at the end."""
    out = Terminal()
    with waiting("asking istiod", stream=out):
        until(lambda: "asking istiod (0s)" in out.getvalue())
    assert out.getvalue().endswith("\r\033[K")


def test_a_bar_shows_how_much_is_done() -> None:
    """Where the total is known, a bar fills."""
    wait = Wait("kinds listed", total=40)
    wait.advance(10)
    assert wait.line(seconds=3.2, frame=1) == "[#####---------------] 10/40 kinds listed (3s)"
    wait.advance(99)
    assert wait.line(seconds=3.2, frame=1).startswith("[####################] 40/40")


def test_documents_are_counted() -> None:
    """The progress of large manifests shows the file and how many of all documents are read."""
    out = Terminal()
    with counted(out) as count:
        count("mesh.yaml", 1500, 2000)
        until(lambda: "[###############-----] 1500/2000 documents read: mesh.yaml" in out.getvalue())


def test_a_pipe_sees_nothing() -> None:
    """No progress is written to a redirected stream."""
    out = io.StringIO()
    with waiting("asking", stream=out):
        time.sleep(0.05)
    assert out.getvalue() == ""


def test_only_the_outermost_wait_is_shown() -> None:
    """A wait within another, in another thread even, leaves the line to it."""
    out = Terminal()

    def within() -> None:
        with waiting("inner", stream=out):
            time.sleep(0.05)

    with waiting("outer", stream=out):
        thread = threading.Thread(target=within)
        thread.start()
        thread.join()
        until(lambda: "outer" in out.getvalue())
    assert "inner" not in out.getvalue()
    with waiting("later", stream=out):
        until(lambda: "later" in out.getvalue())


def test_quick_work_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short work shows no progress."""
    monkeypatch.setattr(progress, "PATIENCE", 5.0)
    out = Terminal()
    with waiting("asking", stream=out):
        pass
    assert out.getvalue() == ""
