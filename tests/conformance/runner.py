"""Runs recorded scenarios: manifests in, generated resources out, compared with what istiod sent."""

import fnmatch
import gzip
import json
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.conformance.normal_form import differences, dump, normalize

SCENARIOS = Path(__file__).parent / "scenarios"
TYPES = ("listeners", "clusters", "routes", "endpoints", "extensions", "names")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """One compared resource: scenario, proxy (`namespace__pod`), list and name."""

    scenario: str
    proxy: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.scenario}/{self.proxy}/{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference: `verdict` is different, missing or extra; `parts` are (path, golden, actual)."""

    key: Key
    verdict: str
    parts: tuple[tuple[str, Any, Any], ...] = ()


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The comparison of one scenario."""

    scenario: str
    equal: dict[str, int] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)
    keys: dict[Key, str] = field(default_factory=dict)
    """Every golden resource → its canonical text, so that distinct ones can be counted."""
    differences: list[Difference] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Scenario:
    """A folder of recorded answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    @property
    def about(self) -> str:
        """The first line that says what it exercises."""
        return (self.folder / "about.md").read_text().partition("\n")[2].strip()

    @cached_property
    def golden(self) -> dict[str, Json]:
        """Proxy (`namespace__pod`) → recorded lists."""
        return {
            path.name.removesuffix(".json.gz"): json.loads(gzip.decompress(path.read_bytes()))
            for path in sorted((self.folder / "proxies").glob("*.json.gz"))
        }

    @cached_property
    def snapshot(self) -> Any:
        """The snapshot of the scenario's manifests."""
        from simulator.manifests.reading import parse_manifests
        from simulator.registry.build import build_snapshot

        text = gzip.decompress((self.folder / "state.yaml.gz").read_bytes()).decode()
        return build_snapshot(parse_manifests(text, source="state.yaml"))


def scenarios(patterns: Sequence[str] = ()) -> list[Scenario]:
    """Return the scenarios whose name matches one of the patterns (a prefix or a glob); all without patterns."""
    folders = sorted(path for path in SCENARIOS.iterdir() if path.is_dir())
    return [
        Scenario(folder)
        for folder in folders
        if not patterns or any(fnmatch.fnmatch(folder.name, pattern) for pattern in patterns)
    ]


def generate(scenario: Scenario, wanted: str = "", types: Sequence[str] = TYPES) -> tuple[dict[str, Json], list[str]]:
    """Generate the lists of each recorded proxy; a builder that raises loses its own list, noted in the errors."""
    from simulator.xds.generator import Generator

    errors: list[str] = []
    proxies = {f"{p.namespace}__{p.id.name}": p for p in scenario.snapshot.proxies}
    generator = Generator(scenario.snapshot)
    answers: dict[str, Json] = {}
    for name in scenario.golden:
        if wanted not in name:
            continue
        if name not in proxies:
            errors.append(f"{name}: no such proxy in the snapshot")
            continue
        answers[name] = _lists(generator, proxies[name], types, errors, name)
    return answers, errors


def _lists(generator: Any, proxy: Any, types: Sequence[str], errors: list[str], name: str) -> Json:
    made: Json = {kind: () for kind in TYPES}

    def attempt(kind: str, build: Any, *arguments: Any) -> None:
        try:
            made[kind] = build(*arguments)
        except Exception:
            errors.append(f"{name} {kind}: {traceback.format_exc(limit=-4, chain=False)}")

    view = generator.view(proxy)
    if {"clusters", "endpoints"} & set(types):
        attempt("clusters", generator.clusters, view)
    if "endpoints" in types:
        attempt("endpoints", generator.endpoints, view, made["clusters"])
    if {"listeners", "routes", "extensions"} & set(types):
        attempt("listeners", generator.listeners, view)
    if "routes" in types:
        attempt("routes", generator.routes, view, made["listeners"])
    if "extensions" in types:
        attempt("extensions", generator.extensions, view, made["listeners"])
    if "names" in types:
        attempt("names", generator.names, view)
    return made


def compare(scenario: Scenario, *, types: Sequence[str] = TYPES, proxy: str = "") -> Outcome:
    """Generate a scenario and compare it, resource by resource."""
    outcome = Outcome(scenario=scenario.name)
    try:
        answers, outcome.errors = generate(scenario, proxy, types)
    except Exception:
        answers = {}
        outcome.errors.append(traceback.format_exc(limit=-6, chain=False))
    for name, golden in scenario.golden.items():
        if proxy in name:
            for kind in types:
                _compare_list(outcome, (name, kind), golden.get(kind), answers.get(name, {}).get(kind))
    return outcome


def _compare_list(outcome: Outcome, place: tuple[str, str], golden: Any, actual: Any) -> None:
    proxy, kind = place
    wanted, got = _index(golden, kind), _index(actual, kind)
    outcome.total[kind] = outcome.total.get(kind, 0) + len(wanted)
    for name, resource in wanted.items():
        key = Key(scenario=outcome.scenario, proxy=proxy, kind=kind, name=name)
        outcome.keys[key] = dump(resource)
        if name not in got:
            outcome.differences.append(Difference(key=key, verdict="missing"))
        elif parts := tuple(differences(resource, got[name])):
            outcome.differences.append(Difference(key=key, verdict="different", parts=parts))
        else:
            outcome.equal[kind] = outcome.equal.get(kind, 0) + 1
    for name in got.keys() - wanted.keys():
        key = Key(scenario=outcome.scenario, proxy=proxy, kind=kind, name=name)
        outcome.differences.append(Difference(key=key, verdict="extra"))


def _index(resources: Any, kind: str) -> dict[str, Any]:
    """Name → normal form; a second resource of one name gets ` #2`."""
    result: dict[str, Any] = {}
    for name, resource in _named(resources, kind):
        unique, number = name, 2
        while unique in result:
            unique, number = f"{name} #{number}", number + 1
        result[unique] = normalize(resource, kind)
    return result


def _named(resources: Any, kind: str) -> Iterator[tuple[str, Json]]:
    if kind == "names":
        yield from ((resources or {}).get("table") or {}).items()
        return
    for resource in resources or ():
        yield resource.get("name") or resource.get("cluster_name") or resource.get("clusterName") or "?", resource
