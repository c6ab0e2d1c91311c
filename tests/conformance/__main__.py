"""Compare the simulator with recorded istiod answers.

usage: python -m tests.conformance [GLOB...] [--types clusters,endpoints] [--proxy TEXT] [--all] [--gaps] [--write]
Without scenarios: all that are not pending in known_gaps.yaml, one line each. `--all` prints every difference.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from tests.conformance import fidelity
from tests.conformance.gaps import KnownGaps
from tests.conformance.runner import TYPES, Difference, Outcome, compare, scenarios


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print it; 0 when everything is equal."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="name or glob; all but pending ones if none")
    parser.add_argument("--types", default=",".join(TYPES), help="comma list of " + ", ".join(TYPES))
    parser.add_argument("--proxy", default="", help="only proxies whose namespace__pod contains this")
    parser.add_argument("--name", default="", help="print only differences of resources whose name contains this")
    parser.add_argument("--all", action="store_true", help="print every difference, not the first few")
    parser.add_argument("--gaps", action="store_true", help="print unequal resources as keys for known_gaps.yaml")
    parser.add_argument("--write", action="store_true", help="write docs/fidelity.md (takes no scenarios)")
    options = parser.parse_args(arguments)
    if options.write:
        return _write_page()
    types, pending, started = options.types.split(","), KnownGaps.load().pending, time.perf_counter()
    chosen = [s for s in scenarios(options.scenarios) if options.scenarios or not pending(s.name)]
    total: dict[str, list[int]] = {}
    distinct: dict[tuple[str, str], bool] = {}
    for scenario in chosen:
        outcome = compare(scenario, types=types, proxy=options.proxy)
        _report(outcome, types, options, brief=not options.scenarios)
        _count(outcome, total, distinct)
    right = sum(distinct.values())
    _say(f"{'sum':34}" + _columns({k: v[0] for k, v in total.items()}, {k: v[1] for k, v in total.items()}, types))
    _say(
        f"distinct {right}/{len(distinct)} {100 * right / max(1, len(distinct)):.2f}%  "
        f"scenarios {len(chosen)}  {time.perf_counter() - started:.1f}s"
    )
    return 0 if all(equal == wanted for equal, wanted in total.values()) else 1


def _write_page() -> int:
    gaps = KnownGaps.load()
    chosen = [scenario for scenario in scenarios() if not gaps.pending(scenario.name)]
    fidelity.PAGE.write_text(fidelity.page([(scenario, compare(scenario)) for scenario in chosen], gaps))
    return 0


def _count(outcome: Outcome, total: dict[str, list[int]], distinct: dict[tuple[str, str], bool]) -> None:
    for kind, wanted in outcome.total.items():
        sums = total.setdefault(kind, [0, 0])
        sums[0] += outcome.equal.get(kind, 0)
        sums[1] += wanted
    wrong = {difference.key for difference in outcome.differences}
    for key, text in outcome.keys.items():
        distinct[key.kind, text] = distinct.get((key.kind, text), True) and key not in wrong


def _report(outcome: Outcome, types: Sequence[str], options: Any, *, brief: bool) -> None:
    extra = sum(difference.verdict == "extra" for difference in outcome.differences)
    _say(f"{outcome.scenario:34}{_columns(outcome.equal, outcome.total, types)}{f'  extra {extra}' if extra else ''}")
    seen: set[str] = set()
    for error in outcome.errors:
        if error.splitlines()[-1] not in seen:
            _say("  error: " + (error.splitlines()[-1] if brief else error))
        seen.add(error.splitlines()[-1])
    if options.gaps:
        for difference in outcome.differences:
            _say(f"  - {difference.key}")
    elif not brief or options.all:
        shown = [difference for difference in outcome.differences if options.name in difference.key.name]
        for difference in shown if options.all else shown[:8]:
            _print_difference(difference, limit=1000 if options.all else 3)
        if not options.all and len(shown) > 8:
            _say(f"  … {len(shown) - 8} more (--all)")


def _columns(equal: dict[str, int], total: dict[str, int], types: Sequence[str]) -> str:
    return "".join(f"  {kind} {equal.get(kind, 0)}/{total[kind]}" for kind in types if total.get(kind))


def _print_difference(difference: Difference, *, limit: int) -> None:
    key = difference.key
    _say(f"  {difference.verdict}: {key.proxy} {key.kind} {key.name}")
    for path, golden, actual in difference.parts[:limit]:
        _say(f"    {path}\n      golden {_short(golden)}\n      actual {_short(actual)}")


def _short(value: Any, limit: int = 400) -> str:
    text = value if value == "<absent>" else json.dumps(value, sort_keys=True)
    return text if len(text) <= limit else text[:limit] + "…"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
