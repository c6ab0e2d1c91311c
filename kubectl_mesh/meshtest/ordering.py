"""Does an answer depend on which of several objects is older? Asked by giving each of them the greatest age in turn.

istiod puts the routes of VirtualServices with one host in the order of their creation, which manifests do not tell.
"""

from collections.abc import Callable, Sequence

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.meshtest.judging import Mismatch
from kubectl_mesh.meshtest.observing import Observed, observe
from simulator.model.directory import Workload
from simulator.model.names import resolve_short_name
from simulator.model.resources import ObjectRef
from simulator.model.wire import Json

Reordered = Callable[[tuple[str, ...]], Predictor | None]
"""(objects, oldest first) → the same mesh with these ages; None where the mesh cannot be made again."""
_MOST = 6
"""Rivals for one host that are tried; more than that are taken for decisive without trying."""


def contrary(predictor: Predictor, reordered: Reordered, seen: Observed, sender: Workload | None) -> Mismatch | None:
    """Return how another order of creation would change an answer; None when none would."""
    caveats = {each.ref: each for each in predictor.order_dependent}
    rivals = _rivals(predictor, seen.rule) if caveats else []
    caveat = next((caveats[each] for each in rivals if each in caveats), None)
    if caveat is None:
        return None
    for order in [_with_first(rivals, each) for each in rivals] if 1 < len(rivals) <= _MOST else ():
        other = reordered(order)
        if other is None:
            break
        answer = observe(other, other.trace(seen.trace.request, sender))
        if answer.treatment != seen.treatment:
            told = f"{answer.disposition} by {answer.rule or 'no rule'} where that is the older one"
            return _mismatch(f"{seen.disposition} by {seen.rule}, or {told}")
    else:
        if 1 < len(rivals) <= _MOST:
            return None
    return _mismatch(caveat.message)


def _mismatch(text: str) -> Mismatch:
    actual = f"{text}; given.creationOrder says which is older"
    return Mismatch(part="creationOrder", expected="one answer whatever the order", actual=actual)


def _with_first(refs: Sequence[ObjectRef], first: ObjectRef) -> tuple[str, ...]:
    return tuple(map(str, (first, *(each for each in refs if each != first))))


def _rivals(predictor: Predictor, rule: str) -> list[ObjectRef]:
    """Return the VirtualServices that have a host in common with the one that routes, which is among them."""
    kind, _, name = rule.partition("/")
    if kind != "VirtualService":
        return []
    home, _, short = name.rpartition("/")
    ref = ObjectRef(kind=kind, namespace=home, name=short)
    found: dict[ObjectRef, frozenset[str]] = {}
    for document in predictor.source.resources(ref.kind):
        metadata = document.get("metadata") or {}
        other = ObjectRef(
            kind=ref.kind, namespace=str(metadata.get("namespace", "")), name=str(metadata.get("name", ""))
        )
        found[other] = _hosts(document, other.namespace)
    own = found.get(ref, frozenset())
    return sorted(other for other, hosts in found.items() if hosts & own)


def _hosts(document: Json, namespace: str) -> frozenset[str]:
    hosts = (document.get("spec") or {}).get("hosts") or ()
    return frozenset(resolve_short_name(str(host), namespace=namespace) for host in hosts)
