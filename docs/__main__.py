"""Write the generated pages: `python -m docs`."""

from pathlib import Path

from docs import commands, messages

PAGES = {"reference/cli.md": commands.page, "reference/messages.md": messages.page}
"""Path below this folder → what makes the page."""


def main() -> None:
    """Write every generated page."""
    folder = Path(__file__).parent
    for path, make in PAGES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
