"""`-o FORMAT[=FILE]`, given several times: what goes to stdout and what into files."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from kubectl_mesh.cli.context import Call
from kubectl_mesh.errors import InputError, UsageError


def parse_outputs(given: Sequence[str], *, allowed: Sequence[str], default: str) -> tuple[tuple[str, str], ...]:
    """Return (format, file) pairs; the file is empty for stdout, which always has one."""
    pairs = [(form.lower(), file) for form, _, file in (text.partition("=") for text in given)]
    for form, _ in pairs:
        if form not in allowed:
            raise UsageError(f"{form} not a valid option for format", hint=f"use one of {', '.join(allowed)}")
    to_stdout = [form for form, file in pairs if not file]
    if len(to_stdout) > 1:
        raise UsageError(f"-o {' and -o '.join(to_stdout)} cannot share stdout", hint=f"-o {to_stdout[1]}=FILE")
    return tuple(pairs) if to_stdout else ((default, ""), *pairs)


def write_outputs(call: Call, outputs: Sequence[tuple[str, str]], write: Callable[[str], str]) -> None:
    """Write each format where it belongs."""
    for form, file in outputs:
        text = write(form)
        if not file:
            call.write(text)
            continue
        try:
            mode = "a" if file == os.environ.get("GITHUB_STEP_SUMMARY") else "w"
            with Path(file).open(mode, encoding="utf-8") as target:
                target.write(text)
        except OSError as error:
            raise InputError(f"-o {form}={file}: {error.strerror or error}") from error
