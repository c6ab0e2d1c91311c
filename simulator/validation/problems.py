"""The results of rules: errors, for which istiod refuses a resource, and warnings, which it prints."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A message about one field. `code` and `arguments` are set where the finding has a code of its own."""

    text: str
    path: Path = ()
    is_warning: bool = False
    code: str = ""
    arguments: tuple[str, ...] = ()


Problems = Iterator[Problem]


def error(text: str, *path: str | int) -> Problem:
    """Return an error about the field at `path`."""
    return Problem(text=text, path=path)


def warning(text: str, *path: str | int) -> Problem:
    """Return a warning about the field at `path`."""
    return Problem(text=text, path=path, is_warning=True)


def at(path: Path, problems: Iterable[Problem]) -> Problems:
    """Prefix the paths of problems with the path of the part that they were found in."""
    for problem in problems:
        yield replace(problem, path=path + problem.path)


def errors_only(problems: Iterable[Problem]) -> Problems:
    """Drop warnings, as Istio does where a rule returns a plain error."""
    return (problem for problem in problems if not problem.is_warning)


def joined(problems: Iterable[Problem]) -> str:
    """Return several errors in one line, as Go's multierror prints them inside another message."""
    texts = [problem.text for problem in problems]
    count = f"{len(texts)} error{'s' if len(texts) > 1 else ''} occurred:"
    return "\n\t* ".join([count, *texts]) + "\n\n"
