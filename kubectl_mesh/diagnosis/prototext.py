"""Parts of Istio's resources in protobuf's text form, which istioctl prints where it has no text of its own.

protobuf-go: encoding/prototext. Its printer adds a second space between fields in some builds; here it is always one.
"""

import re
from decimal import Decimal

from simulator.model.wire import Json

_FIELDS = [
    "delay",
    "abort",
    "percent",
    "fixedDelay",
    "exponentialDelay",
    "httpStatus",
    "grpcStatus",
    "http2Error",
    "percentage",
    "sniHosts",
    "destinationSubnets",
    "port",
    "sourceSubnet",
    "sourceLabels",
    "gateways",
    "sourceNamespace",
]
"""Fields of faults and of matches below HTTP, in the order of their schema."""
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def text_form(message: Json) -> str:
    """Return a message as `name:value`, nested in braces, in the order of the schema."""
    ordered = sorted(message, key=lambda name: _FIELDS.index(name) if name in _FIELDS else len(_FIELDS))
    return " ".join(_field(name, message[name]) for name in ordered)


def _field(name: str, value: object) -> str:
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    match value:
        case dict() if name == "sourceLabels":
            return " ".join(f'{snake}:{{key:"{key}" value:"{text}"}}' for key, text in sorted(value.items()))
        case dict():
            return f"{snake}:{{{text_form(value)}}}"
        case list():
            return " ".join(_field(name, item) for item in value)
        case bool():
            return f"{snake}:{str(value).lower()}"
        case str() if name.endswith("Delay"):
            return f"{snake}:{{{_duration(value)}}}"
        case str():
            return f'{snake}:"{value}"'
    return f"{snake}:{value}"


def _duration(text: str) -> str:
    total = sum(int(Decimal(number) * _UNITS[unit]) for number, unit in _PART.findall(text))
    seconds, nanos = divmod(total, 10**9)
    return " ".join(f"{part}:{number}" for part, number in (("seconds", seconds), ("nanos", nanos)) if number)
