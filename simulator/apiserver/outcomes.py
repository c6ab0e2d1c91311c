"""How a command in a container ends."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command printed and its exit status."""

    status: int = 0
    out: bytes = b""
    err: bytes = b""
