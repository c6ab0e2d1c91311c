"""Whether an answer depends on which of several objects is older, found by making each of them the oldest in turn.

istiod gives precedence to the oldest of several objects, and manifests do not tell ages. The answer to one request is
decided by the first of the objects that concerns it, so making each the oldest in turn shows every answer; groups of
objects that compete for different things are tried one at a time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.meshtest.judging import Mismatch
from kubectl_mesh.meshtest.observing import Observed, observe
from simulator.model.caveats import Caveat
from simulator.model.directory import Directory, Workload
from simulator.model.names import ClusterName, host_matches, resolve_short_name
from simulator.model.proxies import ProxyId, Role
from simulator.model.resources import ObjectRef
from simulator.model.traces import StepKind, Trace

Reordered = Callable[[tuple[str, ...]], Predictor | None]
"""(objects, oldest first) → the same mesh with these ages; None where the mesh cannot be rebuilt."""
_MOST = 24
"""Most rivals that are tried; the answer is undecided where there are more."""
_HARMLESS = frozenset({"Telemetry"})
"""Kinds that change what is recorded about a request, not its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """The answer to the same request where another object is the oldest; None where it could not be predicted."""

    oldest: ObjectRef
    caveat: Caveat
    predictor: Predictor | None = None
    seen: Observed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """The possible orders of creation of the objects of one mesh."""

    predictor: Predictor
    reordered: Reordered = lambda _: None

    def alternatives(self, seen: Observed, sender: Workload | None) -> Iterator[Alternative]:
        """Yield the answers to the same request in other orders of creation that may affect it."""
        for caveat in self.predictor.order_dependent:
            if not _concerns(self.predictor, caveat, seen.trace):
                continue
            if len(caveat.rivals) > _MOST:
                yield Alternative(oldest=caveat.ref, caveat=caveat)
                continue
            for oldest in caveat.rivals[1:]:
                yield self._with_oldest(oldest, caveat, seen, sender)

    def _with_oldest(self, oldest: ObjectRef, caveat: Caveat, seen: Observed, sender: Workload | None) -> Alternative:
        others = (each for each in caveat.rivals if each != oldest)
        predictor = self.reordered(tuple(map(str, (oldest, *others))))
        if predictor is None:
            return Alternative(oldest=oldest, caveat=caveat)
        other = observe(predictor, predictor.trace(seen.trace.request, sender))
        return Alternative(oldest=oldest, caveat=caveat, predictor=predictor, seen=other)

    def contrary(self, seen: Observed, sender: Workload | None) -> Mismatch | None:
        """Return a mismatch where another order changes the answer; None when no order does."""
        for each in self.alternatives(seen, sender):
            if each.seen is None:
                return _mismatch(each.caveat.message)
            if each.seen.treatment != seen.treatment:
                return _mismatch(f"{_told(seen)}, or {_told(each.seen)} where {each.oldest} is the oldest")
        return None


def _mismatch(text: str) -> Mismatch:
    actual = f"{text}; given.creationOrder says which is older"
    return Mismatch(part="creationOrder", expected="one answer whatever the order", actual=actual)


def _told(seen: Observed) -> str:
    return f"{seen.disposition} by {seen.rule or 'no rule'}"


def _concerns(predictor: Predictor, caveat: Caveat, trace: Trace) -> bool:
    """Tell whether the rivals may affect the answer to a request; in doubt, they do."""
    kind = caveat.ref.kind
    if not caveat.rivals or kind in _HARMLESS:
        return False
    if kind in ("Gateway", "ListenerSet"):
        return not trace.hops or any(_is_gateway(predictor.directory, hop.proxy) for hop in trace.hops)
    if kind not in ("VirtualService", "DestinationRule"):
        return True
    names = frozenset(_names(predictor.directory, trace))
    patterns = [host for each in caveat.rivals for host in _hosts(predictor, each)]
    return any(host_matches(pattern, name) for pattern in patterns for name in names)


def _is_gateway(directory: Directory, proxy: ProxyId) -> bool:
    workload = directory.workload(proxy.name, proxy.namespace)
    return workload is None or workload.role is Role.GATEWAY


def _names(directory: Directory, trace: Trace) -> Iterator[str]:
    """Yield every host that a request was sent to on its path."""
    asked = trace.request
    home = trace.source.rpartition(".")[2]
    for name in (asked.host, _without_port(asked.host_header), asked.sni):
        yield from (name, *directory.search_path(name, home)) if name else ()
    record = directory.service_at(asked.host)
    if record is not None:
        yield record.host
    for hop in trace.hops:
        clusters = [step.chosen for step in hop.steps if step.kind is StepKind.CLUSTER]
        if hop.forwarded is not None:
            yield _without_port(hop.forwarded.request.host_header)
            clusters += [share.cluster for share in hop.forwarded.shares]
        yield from (cluster.host for cluster in map(ClusterName.parse, clusters) if cluster is not None)


def _without_port(authority: str) -> str:
    name, _, port = authority.rpartition(":")
    return name if port.isdigit() else authority


def _hosts(predictor: Predictor, ref: ObjectRef) -> Iterator[str]:
    """Yield the hosts that a VirtualService or a DestinationRule is for."""
    for document in predictor.source.resources(ref.kind, ref.namespace):
        if (document.get("metadata") or {}).get("name") == ref.name:
            spec = document.get("spec") or {}
            hosts = (spec.get("host"), *(spec.get("hosts") or ()))
            yield from (resolve_short_name(str(host), namespace=ref.namespace) for host in hosts if host)
