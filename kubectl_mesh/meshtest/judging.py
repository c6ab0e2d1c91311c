"""Compares the answer to a request with the expectation of a test; each mismatch names both."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kubectl_mesh.meshtest.borrowed import disagreements
from kubectl_mesh.meshtest.durations import seconds
from kubectl_mesh.meshtest.model import Authorization, Destination, Expectation, Retries, Rule
from kubectl_mesh.meshtest.observing import Observed
from simulator.model.directory import Workload
from simulator.model.names import ClusterName

_UNCHANGED = "left alone"
_TOLERANCE = 0.01
"""Percentage points by which a share may differ, since weights may be rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One stated part that does not hold."""

    part: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"{self.part}: expected {self.expected}, got {self.actual}"


def judge(expect: Expectation, seen: Observed, *, namespace: str = "") -> tuple[Mismatch, ...]:
    """Return the mismatches; names without a namespace mean those in `namespace`, or in any if it is empty."""
    found = [*_simple(expect, seen), *_structured(expect, seen, namespace)]
    if expect.absent is not None and not judge(expect.absent, seen, namespace=namespace):
        found.append(Mismatch(part="not", expected="any other answer", actual=_stated(expect.absent)))
    return tuple(found)


def _simple(expect: Expectation, seen: Observed) -> Iterator[Mismatch]:
    if expect.disposition and seen.disposition not in expect.disposition:
        yield Mismatch(part="disposition", expected=" or ".join(expect.disposition), actual=seen.disposition)
    pairs = (
        ("status", expect.status, seen.status),
        ("redirect", expect.redirect, seen.location),
        ("authority", expect.authority, seen.authority),
        ("upstreamTls", expect.upstream_tls, seen.upstream_tls),
    )
    yield from (_mismatch(part, wanted, got) for part, wanted, got in pairs if wanted is not None and wanted != got)
    if expect.path is not None and not is_path(expect.path, seen.path):
        yield _mismatch("path", expect.path, seen.path)
    if expect.timeout is not None and seconds(expect.timeout) != seconds(seen.timeout.partition(" ")[0]):
        yield Mismatch(part="timeout", expected=expect.timeout, actual=seen.timeout)


def is_path(wanted: str, path: str) -> bool:
    """Tell whether a path is the expected one; a `*` at the end of `wanted` matches anything."""
    return path.startswith(wanted[:-1]) and bool(path) if wanted.endswith("*") else path == wanted


def _structured(expect: Expectation, seen: Observed, namespace: str) -> Iterator[Mismatch]:
    if expect.destination is not None:
        yield from _destination(expect.destination, seen, namespace)
    if expect.rule is not None:
        yield from _rule(expect.rule, seen, namespace)
    if expect.split:
        yield from _split(expect.split, seen, namespace)
    if expect.retries is not None:
        yield from _retries(expect.retries, seen.retries)
    yield from _headers("headers.request", expect.request_headers, seen.request_headers)
    yield from _headers("headers.response", expect.response_headers, seen.response_headers)
    if expect.borrowed is not None:
        yield from (_mismatch(*each) for each in disagreements(expect.borrowed, seen))
    if expect.authz is not None:
        yield from _authorization(expect.authz, seen, namespace)


def _mismatch(part: str, wanted: Any, got: Any) -> Mismatch:
    return Mismatch(part=part, expected=_shown(wanted), actual=_shown(got))


def _shown(value: Any) -> str:
    return str(value) if value not in ("", None) else "none"


def _destination(wanted: Destination, seen: Observed, namespace: str) -> Iterator[Mismatch]:
    if wanted.service or wanted.subset is not None or wanted.port is not None:
        if seen.cluster is None:
            yield Mismatch(part="destination", expected=destination_text(wanted), actual=seen.disposition)
        elif not _leads_to(wanted, seen.cluster, namespace):
            yield Mismatch(part="destination", expected=destination_text(wanted), actual=_cluster_text(seen.cluster))
    if wanted.workload and (seen.workload is None or not is_workload(wanted.workload, seen.workload, namespace)):
        actual = f"{seen.workload.namespace}/{seen.workload.owner or seen.workload.name}" if seen.workload else "none"
        yield Mismatch(part="destination.workload", expected=wanted.workload, actual=actual)


def _leads_to(wanted: Destination, cluster: ClusterName, namespace: str) -> bool:
    return (
        is_host(wanted.service, cluster.host, namespace)
        and wanted.subset in (None, cluster.subset)
        and wanted.port in (None, cluster.port)
    )


def is_host(wanted: str, host: str, namespace: str = "") -> bool:
    """Tell whether a host is the expected one: a host, `namespace/name`, or a name alone; an empty one matches any."""
    if not wanted or wanted == host:
        return True
    parts = host.split(".")
    home, slash, name = wanted.rpartition("/")
    if len(parts) < 3 or parts[2] != "svc":
        return False
    return parts[0] == name and parts[1] in ((home,) if slash else (namespace or parts[1],))


def is_workload(wanted: str, workload: Workload, namespace: str = "") -> bool:
    """Tell whether a workload is the expected `[namespace/][kind/]name`."""
    *context, name = wanted.split("/")
    home = context[0] if len(context) == 2 or (context and context[0] == workload.namespace) else namespace
    return home in ("", workload.namespace) and name in (workload.owner, workload.name)


def destination_text(wanted: Destination) -> str:
    """Return a destination in one line."""
    service = wanted.service or "any service"
    port = f":{wanted.port}" if wanted.port is not None else ""
    subset = f" subset {wanted.subset or 'none'}" if wanted.subset is not None else ""
    return f"{service}{port}{subset}"


def _cluster_text(cluster: ClusterName) -> str:
    return f"{cluster.host}:{cluster.port}{f' subset {cluster.subset}' if cluster.subset else ''}"


def _rule(wanted: Rule, seen: Observed, namespace: str) -> Iterator[Mismatch]:
    if wanted.resource:
        kind, _, name = wanted.resource.partition("/")
        full = f"{kind}/{name}" if "/" in name else None
        same = (
            seen.rule == full
            if full
            else seen.rule.startswith(f"{kind}/{namespace}") and seen.rule.endswith(f"/{name}")
        )
        if not same:
            yield Mismatch(part="rule", expected=wanted.resource, actual=_shown(seen.rule))
            return
    if wanted.index is not None and wanted.index != seen.rule_index:
        yield _mismatch("rule.index", wanted.index, seen.rule_index)
    if wanted.name is not None and wanted.name != seen.rule_name.partition(" ")[0]:
        yield _mismatch("rule.name", wanted.name, seen.rule_name)


def _split(wanted: Iterable[tuple[Destination, float]], seen: Observed, namespace: str) -> Iterator[Mismatch]:
    rest = list(seen.shares)
    text = ", ".join(f"{_cluster_text(cluster)} {percent:g}%" for cluster, percent in seen.shares) or "none"
    for destination, weight in wanted:
        found = [each for each in rest if _leads_to(destination, each[0], namespace)]
        if abs(sum(percent for _, percent in found) - weight) > _TOLERANCE:
            yield Mismatch(part="split", expected=f"{destination_text(destination)} {weight:g}%", actual=text)
        rest = [each for each in rest if each not in found]
    if rest:
        left = ", ".join(f"{_cluster_text(cluster)} {percent:g}%" for cluster, percent in rest)
        yield Mismatch(part="split", expected="no other destination", actual=left)


def _retries(wanted: Retries, seen: Mapping[str, Any]) -> Iterator[Mismatch]:
    attempts = seen.get("attempts", 0)
    if wanted.attempts is not None and wanted.attempts != attempts:
        yield _mismatch("retries.attempts", wanted.attempts, attempts)
    conditions = set(str(seen.get("on", "")).split(",")) - {""}
    if wanted.on is not None and set(wanted.on) != conditions:
        yield _mismatch("retries.on", ",".join(wanted.on), ",".join(sorted(conditions)))
    per_try = str(seen.get("per_try_timeout", "none"))
    if wanted.per_try_timeout is not None and seconds(wanted.per_try_timeout) != seconds(per_try):
        yield _mismatch("retries.perTryTimeout", wanted.per_try_timeout, per_try)


def _headers(part: str, wanted: Mapping[str, str | None], changes: Iterable[str]) -> Iterator[Mismatch]:
    given: dict[str, str | None] = {}
    for change in changes:
        verb, _, rest = change.partition(" ")
        name, _, content = rest.partition(": ")
        given[name.lower()] = None if verb == "remove" else content
    for name, value in wanted.items():
        actual = given.get(name, _UNCHANGED)
        if actual != value:
            told = ["removed" if each is None else str(each) for each in (value, actual)]
            yield Mismatch(part=f"{part}.{name}", expected=told[0], actual=told[1])


def _authorization(wanted: Authorization, seen: Observed, namespace: str) -> Iterator[Mismatch]:
    if wanted.verdict is not None and wanted.verdict != seen.authz_verdict:
        yield Mismatch(part="authz.verdict", expected=wanted.verdict, actual=seen.authz_verdict)
    if wanted.by is None or wanted.by == seen.authz_by:
        return
    if "/" not in wanted.by and seen.authz_by.endswith(f"/{wanted.by}"):
        return
    yield _mismatch("authz.by", wanted.by, seen.authz_by)


def _stated(expect: Expectation) -> str:
    parts = [*expect.disposition, destination_text(expect.destination) if expect.destination else ""]
    return ", ".join(part for part in parts if part) or "just that"
