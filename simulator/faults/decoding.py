"""Faults as files and requests carry them → faults, or a sentence about what is wrong with them."""

from typing import Any

from simulator.faults.model import API_KINDS, EVERY, RULES, Fault, FaultKind
from simulator.istiod.sync import TYPE_NAMES
from simulator.model.errors import SimulatorError
from simulator.model.wire import Json

_LISTS = frozenset({"target", "types", "resources"})


class FaultError(SimulatorError):
    """A fault that cannot be played."""


def decode_faults(document: Any) -> tuple[Fault, ...]:
    """Return the faults of a file: a list, or an object with `faults`. Raises FaultError."""
    listed = document.get("faults") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise FaultError("faults: not a list", hint="faults: [{fault: stale, target: ['web-*.shop']}]")
    return tuple(decode_fault(each, where=f"faults[{number}]") for number, each in enumerate(listed))


def decode_fault(document: Any, *, where: str = "fault") -> Fault:
    """Return one fault. Raises FaultError."""
    if not isinstance(document, dict):
        raise FaultError(f"{where}: not an object")
    try:
        kind = FaultKind(document.get("fault", ""))
    except ValueError:
        known = ", ".join(kind.value for kind in FaultKind)
        raise FaultError(f'{where}: no fault is called "{document.get("fault", "")}"', hint=f"one of {known}") from None
    _check_fields(document, kind, where=where)
    fields = {name: _value(name, value, where=where) for name, value in document.items() if name != "fault"}
    fault = Fault(kind=kind, **({"target": EVERY} | fields))
    unknown = [name for name in fault.types if name not in TYPE_NAMES]
    if unknown:
        raise FaultError(f"{where}.types: {unknown[0]} is not known", hint=f"one of {', '.join(TYPE_NAMES)}")
    if kind is FaultKind.DRIFTED and len(fault.types) != 1:
        raise FaultError(f"{where}.types: one type has the resource that drifted")
    return fault


def _check_fields(document: Json, kind: FaultKind, *, where: str) -> None:
    rule = RULES[kind]
    allowed = rule.required | rule.optional | {"fault"} | (set() if kind in API_KINDS else {"target"})
    for name in document:
        if name not in allowed:
            raise FaultError(f"{where}: {kind.value} has no {name}", hint=f"it has {', '.join(sorted(allowed))}")
    missing = sorted(name for name in rule.required if not document.get(name))
    if missing:
        raise FaultError(f"{where}: {kind.value} needs {' and '.join(missing)}")


def _value(name: str, value: Any, *, where: str) -> Any:
    if name in _LISTS:
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise FaultError(f"{where}.{name}: not a list of strings")
        if name == "types":
            return tuple(each.upper() for each in listed)
        workload = next((each for each in listed if name == "target" and "/" in each), None)
        if workload is not None:
            raise FaultError(f"{where}.target: {workload} is no pattern over NAME.NAMESPACE", hint="such as web-*.shop")
        return tuple(listed) or EVERY
    if name == "merge":
        if not isinstance(value, dict):
            raise FaultError(f"{where}.merge: not an object")
        return value
    if name == "seconds":
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 3600:
            raise FaultError(f"{where}.seconds: not a number of seconds up to 3600")
        return float(value)
    if not isinstance(value, str | int | float):
        raise FaultError(f"{where}.{name}: not a string")
    return str(value)
