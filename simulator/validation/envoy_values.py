"""Checks of single values as golang/protobuf's jsonpb reads them, with its error messages."""

import base64
import binascii
import json
import re
from typing import Any

from simulator.validation.go_errors import duration_problem, parse_json

_NUMBERS = {"i": "uint32", "l": "uint64", "f": "float64"}
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)\Z")
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})


class Refused(Exception):
    """Why a value does not fit its field."""


def wrong_kind(value: Any, wanted: str) -> Refused:
    """Return encoding/json's error about a value that does not fit the Go type `wanted`."""
    if isinstance(value, bool):
        kind = "bool"
    elif isinstance(value, (int, float)):
        kind = f"number {quoted(value)}" if wanted.startswith(("int", "uint")) else "number"
    elif isinstance(value, str):
        kind = "string"
    else:
        kind = "array" if isinstance(value, list) else "object"
    return Refused(f"json: cannot unmarshal {kind} into Go value of type {wanted}")


def quoted(value: Any) -> str:
    """Return a value as JSON, whole numbers without a decimal point, as Go prints those of a Struct."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def scalar(kind: str, value: Any) -> None:
    """Check the value of a scalar or well-known field; `kind` is a letter of `simulator.model.envoy_types`."""
    letter = kind.removeprefix("w")[0]
    if letter in _NUMBERS:
        _number(letter, value)
    elif letter == "b" and not isinstance(value, bool):
        raise wrong_kind(value, "bool")
    elif letter == "s" and not isinstance(value, str):
        raise wrong_kind(value, "string")
    elif letter == "y":
        _bytes(value)
    elif letter in "DT":
        _time(letter, value)
    elif letter == "S" and not isinstance(value, dict):
        raise Refused(f"bad StructValue: {wrong_kind(value, 'map[string]json.RawMessage')}")
    elif letter == "L" and not isinstance(value, list):
        raise Refused(f"bad ListValue: {wrong_kind(value, '[]json.RawMessage')}")
    elif letter == "E" and not isinstance(value, dict):
        raise wrong_kind(value, "map[string]json.RawMessage")


def _number(letter: str, value: Any) -> None:
    if isinstance(value, str):
        if letter == "f" and value in _NOT_FINITE:
            return
        value, problem = parse_json(value)
        if problem:
            raise Refused(problem)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (letter != "f" and value % 1):
        raise wrong_kind(value, _NUMBERS[letter])


def _bytes(value: Any) -> None:
    if not isinstance(value, str):
        raise wrong_kind(value, "[]uint8")
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        bad = re.search(r"[^A-Za-z0-9+/\r\n]", value.rstrip("="))
        raise Refused(f"illegal base64 data at input byte {bad.start() if bad else len(value) // 4 * 4}") from None


def _time(letter: str, value: Any) -> None:
    if not isinstance(value, str):
        raise wrong_kind(value, "string")
    if letter == "D" and (problem := duration_problem(value)):
        raise Refused(f"bad Duration: {problem}")
    if letter == "T" and not _TIMESTAMP.match(value):
        raise Refused(f'bad Timestamp: parsing time "{value}" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse')
