"""Coverage: the rules of a mesh that the requests of cases and invariants used, and those that none used."""

from collections.abc import Iterable, Iterator, Mapping

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.errors import SourceError
from kubectl_mesh.meshtest.observing import Observed
from kubectl_mesh.reports.verdicts import Coverage
from kubectl_mesh.sources.base import MeshSource
from simulator.model.resources import ObjectRef
from simulator.model.wire import Json

_RULES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "routes": {
        "VirtualService": ("http", "tls", "tcp"),
        "HTTPRoute": ("rules",),
        "GRPCRoute": ("rules",),
    },
    "authzRules": {"AuthorizationPolicy": ("rules",)},
}


def coverage(predictor: Predictor, seen: Iterable[Observed], wanted: Mapping[str, float]) -> tuple[Coverage, ...]:
    """Return the rules that were used, by kind; `wanted` has the required percentage of each kind."""
    touched: frozenset[str] = frozenset().union(*(each.touched for each in seen))
    found = []
    for what, kinds in _RULES.items():
        rules = [rule for kind, fields in kinds.items() for rule in _rules(predictor, kind, fields)]
        missed = [(name, position) for name, position in rules if name not in touched]
        found.append(
            Coverage(
                what=what,
                hit=len(rules) - len(missed),
                total=len(rules),
                wanted=wanted.get(what, 0.0),
                missed=tuple(f"{name}  {position}".rstrip() for name, position in missed),
            )
        )
    return tuple(found)


def _rules(predictor: Predictor, kind: str, fields: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for document in _resources(predictor.source, kind):
        metadata = document.get("metadata") or {}
        ref = ObjectRef(kind=kind, namespace=str(metadata.get("namespace", "")), name=str(metadata.get("name", "")))
        for field in fields:
            for index in range(len((document.get("spec") or {}).get(field) or ())):
                yield f"{ref} {field}[{index}]", predictor.position(ref, ("spec", field, index))


def _resources(source: MeshSource, kind: str) -> list[Json]:
    try:
        return list(source.resources(kind))
    except SourceError:
        return []  # a kind that the source lacks has no rules to cover
