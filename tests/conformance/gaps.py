"""The known gaps: resources that are admitted not to be equal, each with a reason."""

import fnmatch
from dataclasses import dataclass
from pathlib import Path

import yaml

PATH = Path(__file__).parent / "known_gaps.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGaps:
    """`pending`: scenario globs that are not simulated yet; `resources`: `scenario/proxy/type/name` → reason."""

    pending_reasons: dict[str, str]
    resources: dict[str, str]
    limits: tuple[str, ...] = ()
    """Features that no scenario contains and that are not simulated, each in a sentence."""

    @classmethod
    def load(cls) -> "KnownGaps":
        """Read known_gaps.yaml."""
        document = yaml.safe_load(PATH.read_text())
        return cls(
            pending_reasons={entry["scenarios"]: entry["reason"] for entry in document.get("pending") or ()},
            limits=tuple(document.get("limits") or ()),
            resources={key: entry["reason"] for entry in document.get("gaps") or () for key in entry["resources"]},
        )

    def pending(self, scenario: str) -> str:
        """Return why a scenario is not compared yet; empty when it is."""
        return next((why for glob, why in self.pending_reasons.items() if fnmatch.fnmatch(scenario, glob)), "")
