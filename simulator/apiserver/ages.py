"""How long ago something happened, as kubectl writes it.

Kubernetes: staging/src/k8s.io/apimachinery/pkg/util/duration/duration.go (HumanDuration).
"""

from datetime import datetime

UNKNOWN = "<unknown>"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY


def age(timestamp: object, now: datetime) -> str:
    """Return the age of an RFC 3339 timestamp; `<unknown>` when there is none."""
    if not isinstance(timestamp, str) or not timestamp:
        return UNKNOWN
    try:
        then = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
        return human((now - then).total_seconds())
    except (ValueError, TypeError):
        return UNKNOWN


def human(seconds: float) -> str:
    """Return a duration in its one or two largest units, as HumanDuration rounds it."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    for limit, unit, part in (
        (2 * _MINUTE, (1, "s"), None),
        (10 * _MINUTE, (_MINUTE, "m"), (1, "s")),
        (3 * _HOUR, (_MINUTE, "m"), None),
        (8 * _HOUR, (_HOUR, "h"), (_MINUTE, "m")),
        (2 * _DAY, (_HOUR, "h"), None),
        (8 * _DAY, (_DAY, "d"), (_HOUR, "h")),
        (2 * _YEAR, (_DAY, "d"), None),
        (8 * _YEAR, (_YEAR, "y"), (_DAY, "d")),
    ):
        if whole < limit:
            return _two(whole, unit, part)
    return f"{whole // _YEAR}y"


def _two(whole: int, unit: tuple[int, str], part: tuple[int, str] | None) -> str:
    count, rest = divmod(whole, unit[0])
    text = f"{count}{unit[1]}"
    if part is not None and rest // part[0]:
        text += f"{rest // part[0]}{part[1]}"
    return text
