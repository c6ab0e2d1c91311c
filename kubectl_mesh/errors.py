"""What keeps the plugin from answering: one tree, with the exit code and the next command to run on each.

MeshError              3  the question cannot be answered
├── UsageError         2  the question contradicts itself
│   └── AmbiguousName  2  a name that several objects answer to
├── InputError         3  a file or a bundle that cannot be read
├── SourceError        3  the mesh cannot be reached, or refuses
│   ├── Unreachable    3  no question will be answered: nobody is there, or the user is unknown
│   └── NotAvailable   3  this source cannot know the answer
└── NothingFound       5  nothing matches what was asked for

A finding (the mesh has a problem) and a disposition (how a request ends) are answers and never raised.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell learns, the same for every output format."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    CANNOT_ANSWER = 3
    NOTHING_MATCHED = 5


class MeshError(Exception):
    """The question cannot be answered. `hint` is the next thing to do; it may be empty."""

    exit_code = ExitCode.CANNOT_ANSWER

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(MeshError):
    """The question contradicts itself."""

    exit_code = ExitCode.USAGE


class AmbiguousName(UsageError):
    """A name that several objects answer to."""


class InputError(MeshError):
    """A file or a bundle cannot be read."""


class SourceError(MeshError):
    """The mesh cannot be reached, or refuses to answer."""


class Unreachable(SourceError):
    """The mesh answers no question at all: it cannot be reached, or does not know who asks."""


class NotAvailable(SourceError):
    """This source cannot know what was asked."""


class NothingFound(MeshError):
    """Nothing matches what was asked for."""

    exit_code = ExitCode.NOTHING_MATCHED
