"""The faults that a served mesh plays."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_mesh.reports.tables import Column, Table
from simulator.model.wire import Json

_HEAD = frozenset({"number", "fault", "target"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedFault:
    """One fault being played: its number ends it."""

    number: str
    fault: str
    target: str
    details: str


def played(document: Json) -> PlayedFault:
    """Read a fault as the served mesh lists it."""
    details = [f"{name}={_text(value)}" for name, value in document.items() if name not in _HEAD]
    return PlayedFault(
        number=str(document.get("number", "")),
        fault=str(document.get("fault", "")),
        target=_text(document.get("target", [])) or "<none>",
        details=" ".join(details) or "<none>",
    )


def _text(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return ",".join(str(each) for each in value) if isinstance(value, list) else str(value)


def faults_table(documents: Sequence[Json]) -> Table[PlayedFault]:
    """Lay out one row per fault."""
    columns: tuple[Column[PlayedFault], ...] = (
        Column(header="NUMBER", value=lambda row: row.number),
        Column(header="FAULT", value=lambda row: row.fault),
        Column(header="TARGET", value=lambda row: row.target),
        Column(header="DETAILS", value=lambda row: row.details),
    )
    return Table(columns=columns, rows=tuple(played(each) for each in documents))
