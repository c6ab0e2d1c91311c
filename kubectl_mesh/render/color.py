"""Colour, only where a person looks: `auto` means a terminal, and NO_COLOR wins over it."""

from collections.abc import Mapping
from dataclasses import dataclass

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Styles text, or leaves it as it is."""

    enabled: bool = False

    def __call__(self, style: str, text: str) -> str:
        """Return `text` in a style such as `bold` or `red`; plain when colour is off or the text empty."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.enabled and text else text


def choose(when: str, *, terminal: bool, environment: Mapping[str, str]) -> Palette:
    """Decide for `auto`, `always` or `never`, from what stdout is and the environment says."""
    if when == "auto":
        return Palette(enabled=terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb")
    return Palette(enabled=when == "always")
