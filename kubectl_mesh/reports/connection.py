"""Whether a pod can reach istiod, check by check."""

from dataclasses import dataclass
from enum import StrEnum

from kubectl_mesh.reports.tables import Column, Table


class CheckResult(StrEnum):
    """How a check ended."""

    OK = "OK"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCheck:
    """One check; `hint` is what to do when it failed."""

    name: str
    result: CheckResult
    detail: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionReport:
    """The way from one proxy to istiod."""

    proxy: str
    address: str
    checks: tuple[ConnectionCheck, ...]

    @property
    def failed(self) -> tuple[ConnectionCheck, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.result is CheckResult.FAILED)

    @property
    def connected(self) -> bool:
        """Nothing failed, and istiod knows the proxy."""
        return not self.failed and any(
            check.name == "connected" and check.result is CheckResult.OK for check in self.checks
        )


def table(report: ConnectionReport) -> Table[ConnectionCheck]:
    """Lay out the checks in the order in which a connection is made."""
    columns: tuple[Column[ConnectionCheck], ...] = (
        Column(header="CHECK", value=lambda check: check.name),
        Column(header="RESULT", value=lambda check: str(check.result)),
        Column(header="DETAIL", value=lambda check: check.detail),
    )
    return Table(columns=columns, rows=report.checks)
