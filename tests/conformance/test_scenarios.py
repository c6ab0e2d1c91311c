import pytest

from tests.conformance.gaps import KnownGaps
from tests.conformance.runner import SCENARIOS, Outcome, Scenario, compare

GAPS = KnownGaps.load()
SIMULATED = sorted(path.name for path in SCENARIOS.iterdir() if path.is_dir() and not GAPS.pending(path.name))


def explain(outcome: Outcome, unexpected: list[str]) -> str:
    """Say which resources differ, and where."""
    lines = [f"{len(unexpected)} resources differ and are no known gaps:"]
    for difference in outcome.differences:
        if str(difference.key) in unexpected:
            where = "; ".join(path for path, _, _ in difference.parts[:3])
            lines.append(f"  {difference.verdict} {difference.key} {where}")
    return "\n".join([*lines[:20], *outcome.errors[:1]])


@pytest.mark.parametrize("name", SIMULATED)
def test_scenario_is_generated_as_recorded(name: str) -> None:
    """Every resource of every recorded proxy equals istiod's, except known gaps, which do differ."""
    outcome = compare(Scenario(SCENARIOS / name))
    differing = {str(difference.key) for difference in outcome.differences}
    admitted = {key for key in GAPS.resources if key.startswith(f"{name}/")}
    unexpected = sorted(differing - admitted)
    assert not unexpected, explain(outcome, unexpected)
    assert not admitted - differing, f"these known gaps are closed, remove them: {sorted(admitted - differing)}"


def test_known_gaps_name_scenarios() -> None:
    """A known gap is one of a recorded scenario, and has a reason."""
    recorded = {path.name for path in SCENARIOS.iterdir() if path.is_dir()}
    assert {key.split("/")[0] for key in GAPS.resources} <= recorded
    assert all(GAPS.resources.values())
    assert all(GAPS.pending_reasons.values())
