"""Label and field selectors of query parameters, compiled to tests.

Kubernetes: staging/src/k8s.io/apimachinery/pkg/labels/selector.go, pkg/fields/selector.go.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from simulator.apiserver.statuses import StatusError, bad_request
from simulator.model.wire import Json

Test = Callable[[Json], bool]

_SET = re.compile(r"^\s*(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)\s*$")
_EQUALITY = re.compile(r"^\s*(?P<key>[^\s!=<>,()]+)\s*(?P<op>==|!=|=|>|<)\s*(?P<value>[^\s,()=!]*)\s*$")
_EXISTS = re.compile(r"^\s*(?P<not>!?)\s*(?P<key>[^\s!=<>,()]+)\s*$")
_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")


def label_test(text: str) -> Test | None:
    """Compile a label selector; None when it selects everything. Raises StatusError when it cannot be read."""
    if not text.strip():
        return None
    tests = [_label_requirement(part) for part in _OUTSIDE_PARENTHESES.split(text)]
    return lambda document: all(test(_labels(document)) for test in tests)


def field_test(text: str) -> Test | None:
    """Compile a field selector (`metadata.name=x,status.phase!=Running`); None when it selects everything."""
    if not text.strip():
        return None
    tests = [_field_requirement(part) for part in _parts(text)]
    return lambda document: all(test(document) for test in tests)


def field_names(text: str) -> tuple[str, ...]:
    """Return the fields that a field selector names. Raises StatusError when it cannot be read."""
    return tuple(_field_match(part)["path"] for part in _parts(text))


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"(?<!\\),", text) if part.strip()]


def both(first: Test | None, second: Test | None) -> Test | None:
    """Return the test that holds when both do."""
    if first is None or second is None:
        return first or second
    return lambda document: first(document) and second(document)


def _labels(document: Json) -> Mapping[str, str]:
    labels = (document.get("metadata") or {}).get("labels")
    return labels if isinstance(labels, dict) else {}


def _label_requirement(text: str) -> Callable[[Mapping[str, str]], bool]:
    if match := _SET.match(text):
        key, values = match["key"], {value.strip() for value in match["values"].split(",")}
        if match["op"] == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: labels.get(key) not in values
    if match := _EQUALITY.match(text):
        return _equality(match["key"], match["op"], match["value"])
    if match := _EXISTS.match(text):
        key, wanted = match["key"], not match["not"]
        return lambda labels: (key in labels) is wanted
    raise _unreadable("labelSelector", text)


def _equality(key: str, operator: str, value: str) -> Callable[[Mapping[str, str]], bool]:
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    if operator in "<>":
        if not value.lstrip("-").isdigit():
            raise _unreadable("labelSelector", f"{key}{operator}{value}")
        bound, greater = int(value), operator == ">"
        return lambda labels: _compares(labels.get(key, ""), bound, greater=greater)
    return lambda labels: labels.get(key) == value


def _compares(text: str, bound: int, *, greater: bool) -> bool:
    if not text.lstrip("-").isdigit():
        return False
    return int(text) > bound if greater else int(text) < bound


def _field_match(text: str) -> re.Match[str]:
    match = re.match(r"^\s*(?P<path>[^=!]+?)\s*(?P<op>==|!=|=)\s*(?P<value>.*?)\s*$", text)
    if match is None:
        raise _unreadable("fieldSelector", text)
    return match


def _field_requirement(text: str) -> Test:
    match = _field_match(text)
    path, value, wanted = match["path"].split("."), match["value"].replace("\\,", ","), match["op"] != "!="
    return lambda document: (_field(document, path) == value) is wanted


def _field(document: Json, path: list[str]) -> str:
    value: Any = document
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _unreadable(parameter: str, text: str) -> StatusError:
    return bad_request(f'unable to parse requirement: invalid {parameter} "{text}"')
