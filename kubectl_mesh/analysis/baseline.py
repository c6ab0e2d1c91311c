"""The findings of an earlier run, read from its JSON, YAML or SARIF, so that only new ones count."""

from typing import Any

from kubectl_mesh.errors import InputError
from kubectl_mesh.reports.findings import FindingRow

_LEVELS = {"error": "Error", "warning": "Warning", "note": "Info"}


def read_baseline(value: Any, *, source: str) -> tuple[FindingRow, ...]:
    """Return the findings in the documents of an earlier run."""
    try:
        if isinstance(value, list):
            return tuple(_row(each) for each in value)
        return tuple(_from_sarif(each) for run in value["runs"] for each in run.get("results") or ())
    except (KeyError, TypeError, AttributeError) as error:
        hint = "name a file that -o json=FILE, -o yaml=FILE or -o sarif=FILE wrote"
        raise InputError(f"{source}: not findings of an earlier run", hint=hint) from error


def _row(document: dict[str, Any]) -> FindingRow:
    return FindingRow(
        code=document["code"],
        name=document.get("name") or "",
        level=document["level"],
        message=document["message"],
        origin=document.get("origin") or "",
        reference=document.get("reference") or "",
        documentation=document.get("documentationUrl") or "",
    )


def _from_sarif(result: dict[str, Any]) -> FindingRow:
    location: dict[str, Any] = next(iter(result.get("locations") or ()), {})
    names = location.get("logicalLocations") or [{"fullyQualifiedName": ""}]
    origin = names[0]["fullyQualifiedName"]
    message = result["message"]["text"].removeprefix(f"{origin}: ") if origin else result["message"]["text"]
    return FindingRow(code=result["ruleId"], name="", level=_LEVELS[result["level"]], message=message, origin=origin)
