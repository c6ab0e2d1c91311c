"""`--request-timeout` as kubectl takes it: seconds, or a Go duration; 0 is no limit."""

import re

from kubectl_mesh.errors import UsageError

DEFAULT_SECONDS = 15.0
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


def seconds(text: str) -> float | None:
    """Return a time limit in seconds; None for no limit. Raises UsageError."""
    if not text:
        return DEFAULT_SECONDS
    if text.isdigit():
        return float(text) or None
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UsageError(
            f"--request-timeout {text}: not a duration", hint="use seconds or a duration such as 30s or 2m"
        )
    return sum(float(number) * _UNITS[unit] for number, unit in parts) or None
