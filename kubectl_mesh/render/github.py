"""Remarks as workflow commands of GitHub Actions, which become annotations in a pull request.

GitHub shows ten errors, ten warnings and ten notices of a step: the worst come first, and a last line counts the rest.
"""

from collections.abc import Sequence

from kubectl_mesh.reports.annotated import Remark, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_SHOWN = 10


def render(remarks: Sequence[Remark]) -> str:
    """Return a line for each remark, those that GitHub would not show only counted."""
    lines: list[str] = []
    left = 0
    for severity, command in _COMMANDS.items():
        members = [remark for remark in remarks if remark.severity is severity and remark.change != "fixed"]
        lines += [_line(command, remark) for remark in members[:_SHOWN]]
        left += max(0, len(members) - _SHOWN)
    if left:
        lines.append(f"{left} more: -o md=$GITHUB_STEP_SUMMARY lists them all")
    return "".join(f"{line}\n" for line in lines)


def _line(command: str, remark: Remark) -> str:
    properties = {"title": f"{remark.rule.id} {remark.rule.name}"}
    if remark.place.file:
        properties = {"file": remark.place.file, "line": str(remark.place.line or 1), **properties}
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{command} {shown}::{_data(f'{remark.subject}: {remark.message}' if remark.subject else remark.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
