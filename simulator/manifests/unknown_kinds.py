"""Kinds that no API server would take: misspelt ones of groups that are known, which else would be silently left out.

A kind of another group is somebody's custom resource, and no concern of the mesh.
"""

from collections.abc import Iterator, Sequence

from simulator.manifests.kinds import group_of, kinds
from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import Resource


def unknown_kinds(foreign: Sequence[Resource], *, known: Sequence[Resource]) -> Iterator[Caveat]:
    """Yield a caveat for each resource whose group is known and whose kind is not, and no manifest defines."""
    if not foreign:
        return
    from difflib import get_close_matches

    by_group: dict[str, list[str]] = {}
    for group, name in kinds():
        by_group.setdefault(group, []).append(name)
    definitions = [one.spec for one in known if one.kind == "CustomResourceDefinition"]
    defined = {(spec.get("group"), (spec.get("names") or {}).get("kind")) for spec in definitions}
    for one in foreign:
        group = group_of(one.api_version)
        if group not in by_group or (group, one.kind) in defined:
            continue
        close = get_close_matches(one.kind, by_group[group], n=1)
        advice = f"; did you mean {close[0]}?" if close else ""
        text = f"{one.api_version} has no kind {one.kind}, so it has no effect{advice}"
        yield Caveat(kind=CaveatKind.INVALID, ref=one.ref, message=text)
