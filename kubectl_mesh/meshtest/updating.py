"""Replaces the values of failing expectations in a file with the predicted ones, keeping comments, order and style.

A value is replaced where it is written. Cases of one matrix, and cases that use the defaults, share an expectation,
which is rewritten only if the answers to all of them agree.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_mesh.meshtest.generating import destination
from kubectl_mesh.meshtest.judging import is_path, judge
from kubectl_mesh.meshtest.model import Case
from kubectl_mesh.meshtest.observing import IMPLICIT, Observed
from simulator.model.names import ClusterName
from simulator.model.resources import field_path

Path = tuple[str | int, ...]
_KINDS = {"virtualService": "VirtualService", "httpRoute": "HTTPRoute", "grpcRoute": "GRPCRoute"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The text of a file with new values, their number, and the expectations that could not be updated."""

    text: str
    count: int = 0
    left: tuple[str, ...] = ()


def updated(
    text: str,
    asked: Iterable[tuple[Case, Observed]],
    *,
    wanted: Callable[[str], bool] = lambda name: True,
    namespace: str = "",
) -> Update:
    """Return a test file in which the expectations of the cases with wanted names agree with what was seen.

    `asked` has all cases of the file: those that are not wanted may share an expectation with one that is.
    """
    import yaml

    roots = [root for root in yaml.compose_all(text, Loader=yaml.SafeLoader) if root is not None]
    wishes: dict[tuple[int, Path], dict[Path, list[Any]]] = {}
    failing: dict[tuple[int, Path], Case] = {}
    for case, seen in asked:
        key = (case.document, case.expect_path)
        stated = _plain(_find(roots[case.document], case.expect_path))
        for path, value in _leaves(_desired(stated, seen)):
            wishes.setdefault(key, {}).setdefault(path, []).append(value)
        if wanted(case.name) and judge(case.expect, seen, namespace=namespace):
            failing.setdefault(key, case)
    edits: list[tuple[int, int, str]] = []
    left: list[str] = []
    for (number, place), case in failing.items():
        root = roots[number]
        for path, values in wishes[number, place].items():
            node = _find(root, (*place, *path))
            current = _plain(node)
            if all(value == current for value in values):
                continue
            if any(value != values[0] for value in values) or values[0] is None:
                left.append(f"{case.position}: {field_path(path)}: {_reason(values)}")
                continue
            edits.append(_edit(text, node, values[0]))
        if not edits and not left:
            left.append(f"{case.position}: the failing part has no value that could be written")
    return Update(text=_spliced(text, edits), count=len(edits), left=tuple(left))


def _edit(text: str, node: Any, value: Any) -> tuple[int, int, str]:
    """Return (start, end, text) of a new value; the value of a block moves to the line of its key, in flow style."""
    start, end = int(node.start_mark.index), _end(node)
    if node.id == "scalar" or node.flow_style:
        return start, end, _flow(value)
    before = text[:start].rstrip()
    return (len(before), end, f" {_flow(value)}") if before.endswith(":") else (start, end, f"  {_flow(value)}")


def _reason(values: Sequence[Any]) -> str:
    return "nothing to write: the request does not get that far" if values[0] is None else "cases that share it differ"


def _spliced(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    for start, end, value in sorted(set(edits), reverse=True):
        text = text[:start] + value + text[end:]
    return text


def _desired(stated: Any, seen: Observed) -> Any:
    """Return an expectation with the same keys and the predicted values; None where there is no value."""
    made: Mapping[str, Callable[[Any], Any]] = {
        "disposition": lambda value: value if seen.disposition in _listed(value) else seen.disposition,
        "status": lambda _: seen.status,
        "destination": lambda value: _destination(value, seen.cluster, seen),
        "rule": lambda value: _rule(value, seen),
        "split": lambda value: _split(value, seen),
        "redirect": lambda _: seen.location,
        "path": lambda value: value if is_path(str(value), seen.path) else seen.path or None,
        "authority": lambda _: seen.authority or None,
        "timeout": lambda value: _kept(value, seen.timeout.partition(" ")[0]),
        "retries": lambda value: _retries(value, seen.retries),
        "headers": lambda value: {side: _headers(given, side, seen) for side, given in value.items()},
        "upstreamTls": lambda _: seen.upstream_tls,
        "authz": lambda value: _authz(value, seen),
    }
    return {key: made[key](value) if key in made else value for key, value in stated.items()}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _kept(value: Any, text: str) -> Any:
    from kubectl_mesh.meshtest.durations import seconds

    return value if seconds(str(value)) == seconds(text) else text


def _destination(stated: Any, cluster: ClusterName | None, seen: Observed | None = None) -> Any:
    from kubectl_mesh.meshtest.judging import is_host, is_workload

    found: dict[str, Any] = {"subset": "", **destination(cluster)} if cluster is not None else {}
    if cluster is not None and is_host(str(stated.get("service", "")), cluster.host):
        found["service"] = stated.get("service")
    if seen is not None and seen.workload is not None:
        same = is_workload(str(stated.get("workload", "")), seen.workload)
        name = f"{seen.workload.namespace}/{seen.workload.owner or seen.workload.name}"
        found["workload"] = stated.get("workload") if same else name
    return {key: found.get(key) for key in stated}


def _rule(stated: Any, seen: Observed) -> Any:
    kind, _, name = seen.rule.partition("/")
    found: dict[str, Any] = {"index": seen.rule_index, "name": seen.rule_name.partition(" ")[0] or None}
    for key in _KINDS.keys() & stated.keys():
        written = str(stated[key])
        same = name == written or ("/" not in written and name.endswith(f"/{written}"))
        found[key] = None if kind != _KINDS[key] else written if same else name
    return {key: found.get(key) for key in stated}


def _split(stated: Any, seen: Observed) -> Any:
    """Return new weights for the stated destinations; a new list where the destinations differ."""
    shares = list(seen.shares)
    rows = []
    for row in stated:
        match = [each for each in shares if _destination(row, each[0]) == {**row, "weight": None}]
        rows.append({**row, "weight": _number(row.get("weight"), sum(percent for _, percent in match))})
        shares = [each for each in shares if each not in match]
    if not shares and all(_as_number(row["weight"]) for row in rows):
        return rows
    return _Whole([destination(name) | {"weight": _number(None, percent)} for name, percent in seen.shares]) or None


class _Whole(list[Any]):
    """A list that is replaced as a whole."""


def _as_number(value: Any) -> float:
    return float(str(value).removesuffix("%"))


def _number(stated: Any, value: float) -> Any:
    if stated is not None and abs(_as_number(stated) - value) < 0.01:
        return stated
    return int(value) if value == int(value) else value


def _retries(stated: Any, seen: Mapping[str, Any]) -> Any:
    conditions = str(seen.get("on", ""))
    on = stated.get("on")
    same = set(",".join(map(str, _listed(on))).split(",")) == set(conditions.split(",")) if on is not None else False
    found = {
        "attempts": seen.get("attempts", 0),
        "on": on if same else conditions,
        "perTryTimeout": _kept(stated.get("perTryTimeout"), str(seen.get("per_try_timeout", "none"))),
    }
    return {key: found[key] for key in stated}


def _headers(stated: Any, side: str, seen: Observed) -> Any:
    given: dict[str, Any] = {}
    for change in seen.request_headers if side == "request" else seen.response_headers:
        verb, _, rest = change.partition(" ")
        name, _, content = rest.partition(": ")
        given[name.lower()] = stated.get(name) if verb == "remove" else content
    return {name: given.get(str(name).lower()) for name in stated}


def _authz(stated: Any, seen: Observed) -> Any:
    by = str(stated.get("by", ""))
    same = by == seen.authz_by or (by != IMPLICIT and "/" not in by and seen.authz_by.endswith(f"/{by}"))
    found = {"verdict": seen.authz_verdict, "by": by if same else seen.authz_by or None}
    return {key: found[key] for key in stated}


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield (path, value) of each value that is replaced as a whole: scalars, and `_Whole` lists."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    elif isinstance(value, list) and not isinstance(value, _Whole) and any(isinstance(each, dict) for each in value):
        for index, child in enumerate(value):
            yield from _leaves(child, (*path, index))
    else:
        yield path, list(value) if isinstance(value, _Whole) else value


def _find(node: Any, path: Path) -> Any:
    for step in path:
        if node.id == "sequence":
            node = node.value[step]
        else:
            node = next(value for key, value in node.value if key.value == str(step))
    return node


def _plain(node: Any) -> Any:
    import yaml

    make: Any = yaml.SafeLoader  # PyYAML's stubs leave the constructor's types out
    loader = make("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()


def _end(node: Any) -> int:
    """Return where a value ends: a block reaches up to the next token, its last member does not."""
    while node.id != "scalar" and not node.flow_style:
        last = node.value[-1]
        node = last[1] if node.id == "mapping" else last
    return int(node.end_mark.index)


def _flow(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("...\n").rstrip("\n")
