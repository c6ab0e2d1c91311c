"""Checks invariants, which hold for all senders and destinations of a kind, by requests that represent them all."""

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from kubectl_mesh.diagnosis.doors import Door
from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.diagnosis.representatives import Representatives, one_each, requests_of
from kubectl_mesh.diagnosis.senders import OUTSIDE, sender_name
from kubectl_mesh.diagnosis.trace import written
from kubectl_mesh.meshtest.blaming import at_fault
from kubectl_mesh.meshtest.flow import flow
from kubectl_mesh.meshtest.gateway_requests import entering
from kubectl_mesh.meshtest.judging import Mismatch, judge
from kubectl_mesh.meshtest.model import Expectation, Invariant
from kubectl_mesh.meshtest.observing import Observed, observe
from kubectl_mesh.meshtest.ordering import Orders
from kubectl_mesh.meshtest.running import UNDECIDABLE, Explain
from kubectl_mesh.reports.verdicts import Result, Verdict
from simulator.model.directory import ServiceRecord, Workload
from simulator.model.proxies import ProxyId, Role
from simulator.model.requests import Request

_ANY = "*/*"
_API_SERVER = "kubernetes.default.svc"
_SAYS_WHICH = "given.creationOrder says which is older"


@dataclass(slots=True)
class Quantifier:
    """Decides the invariants of one suite, and records what their requests met."""

    suite: str
    predictor: Predictor
    explain: Explain
    orders: Orders
    seen: list[Observed] = field(default_factory=list)

    def decide(self, invariant: Invariant) -> Result:
        """Return a pass, or the first request for which the invariant does not hold in every order of creation."""
        expect = invariant.expect or Expectation()
        asked = 0
        for sender, request in self._requests(invariant):
            seen = observe(self.predictor, self.predictor.trace(request, sender))
            if sender.role is Role.GATEWAY and not self._is_meant(invariant, seen):
                continue
            asked += 1
            self.seen.append(seen)
            witness = _Witness(invariant=invariant, sender=sender, seen=seen)
            if seen.trace.disposition in UNDECIDABLE:
                return self._result(witness, Verdict.UNDECIDED, (seen.disposition,))
            if mismatches := judge(expect, seen):
                return self._failure(witness, self.predictor, mismatches)
            if (result := self._in_other_orders(witness, expect)) is not None:
                return result
        if not asked:
            reason = f"no sender and destination match {invariant.sender} and {invariant.destination}"
            return replace(self._blank(invariant), verdict=Verdict.UNDECIDED, messages=(reason,))
        return replace(self._blank(invariant), request=f"{asked} requests stand for all")

    def _in_other_orders(self, witness: "_Witness", expect: Expectation) -> Result | None:
        """Return a result where the invariant fails, or is undecided, when another object is the oldest; else None."""
        for each in self.orders.alternatives(witness.seen, witness.sender):
            if each.seen is None or each.predictor is None:
                return self._result(witness, Verdict.UNDECIDED, (each.caveat.message, _SAYS_WHICH))
            if mismatches := judge(expect, each.seen):
                other = replace(witness, seen=each.seen)
                here = f"it holds where {each.caveat.rivals[0]} is the oldest"
                lead = f"{here}, not where {each.oldest} is; {_SAYS_WHICH}"
                return self._failure(other, each.predictor, mismatches, lead=lead)
        return None

    def _failure(
        self, witness: "_Witness", predictor: Predictor, mismatches: Sequence[Mismatch], *, lead: str = ""
    ) -> Result:
        messages = (*map(str, mismatches), *([lead] if lead else []))
        return replace(
            self._result(witness, Verdict.FAIL, messages),
            sources=at_fault(predictor, witness.seen, mismatches),
            path=self.explain(witness.seen.trace, predictor.directory, witness.url, witness.name),
            flow=flow(predictor, witness.seen.trace),
        )

    def _result(self, witness: "_Witness", verdict: Verdict, messages: tuple[str, ...]) -> Result:
        return replace(self._blank(witness.invariant), verdict=verdict, messages=messages, request=str(witness))

    def _blank(self, invariant: Invariant) -> Result:
        return Result(name=invariant.name, suite=self.suite, position=invariant.position, verdict=Verdict.PASS)

    def _is_meant(self, invariant: Invariant, seen: Observed) -> bool:
        """Tell whether a request that entered at a gateway goes to a destination of the invariant."""
        if invariant.destination == _ANY:
            return True
        record = self.predictor.directory.services.get(seen.cluster.host) if seen.cluster is not None else None
        return record is not None and is_destination(invariant.destination, record)

    def _requests(self, invariant: Invariant) -> Iterator[tuple[Workload, Request]]:
        directory = self.predictor.directory
        proxies = frozenset(self.predictor.source.proxies())
        stand_ins = Representatives(source=self.predictor, directory=directory, proxies=proxies)
        senders = [each for each in one_each(directory.workloads) if is_sender(invariant.sender, each)]
        for sender in senders:
            if sender.role is Role.GATEWAY:
                yield from ((sender, request) for request in entering(stand_ins, sender))
                continue
            for record in sorted(directory.services.values(), key=lambda record: record.host):
                if not is_destination(invariant.destination, record):
                    continue
                for port in sorted(record.backends):
                    witnesses = stand_ins.witnesses(ProxyId(sender.name, sender.namespace), record.host, port)
                    yield from ((sender, request) for request in requests_of(witnesses, record.host, Door.usual(port)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Witness:
    """A request that decides an invariant."""

    invariant: Invariant
    sender: Workload
    seen: Observed

    @property
    def name(self) -> str:
        """The sender, as `kubectl mesh trace` takes it."""
        return sender_name(self.sender)

    @property
    def url(self) -> str:
        """The URL, as `kubectl mesh trace` takes it."""
        return written(self.seen.trace.request)

    def __str__(self) -> str:
        request = self.seen.trace.request
        headers = "".join(f" [{name}: {value}]" for name, value in request.headers)
        usual = (None, request.host, f"{request.host}:{request.port}")
        host = f" [host: {request.authority}]" if request.authority not in usual else ""
        return f"witness: {request.method} {self.url}{host}{headers} from {self.name}"


def is_sender(pattern: str, workload: Workload) -> bool:
    """Tell whether the pattern `[!]NAMESPACE/[KIND/]NAME`, with `*` in any part, matches a workload.

    `gateway/NAME` matches a gateway, as the sender of what enters there; `outside` matches all gateways.
    """
    if pattern == OUTSIDE:
        return workload.role is Role.GATEWAY
    negated, namespace, kind, name = _parts(pattern)
    if (workload.role is Role.GATEWAY) != (kind == "gateway"):
        return False
    kinds = {"", "gateway", "pod", "deploy", workload.owner_kind.lower()}
    covered = (
        fnmatch.fnmatchcase(workload.namespace, namespace)
        and kind in kinds
        and any(fnmatch.fnmatchcase(each, name) for each in (workload.owner, workload.name))
    )
    return covered is not negated


def is_destination(pattern: str, record: ServiceRecord) -> bool:
    """Tell whether the pattern `[!]NAMESPACE/[svc/]NAME`, with `*` in any part, or a host, matches a service.

    `svc/` excludes the hosts of ServiceEntries. The API server's service, which is in no mesh, must be named in full.
    """
    negated, namespace, kind, name = _parts(pattern)
    if (kind and not record.kubernetes) or (record.host.startswith(_API_SERVER) and ("*" in pattern or negated)):
        return False
    short = record.source.name if record.source is not None and record.kubernetes else record.host
    covered = fnmatch.fnmatchcase(record.namespace, namespace) and fnmatch.fnmatchcase(short, name)
    return (covered or pattern.removeprefix("!") == record.host) is not negated


def _parts(pattern: str) -> tuple[bool, str, str, str]:
    negated = pattern.startswith("!")
    *context, name = pattern.removeprefix("!").split("/")
    namespace = context[0] if context else "*"
    return negated, namespace, context[1] if len(context) > 1 else "", name
