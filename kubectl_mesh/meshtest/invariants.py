"""What must hold for every sender and every destination of a kind, decided over requests that stand for all of them."""

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.diagnosis.representatives import Representatives, one_each, requests_of
from kubectl_mesh.meshtest.blaming import at_fault
from kubectl_mesh.meshtest.flow import flow
from kubectl_mesh.meshtest.judging import judge
from kubectl_mesh.meshtest.model import Invariant
from kubectl_mesh.meshtest.observing import Observed, observe
from kubectl_mesh.meshtest.running import UNDECIDABLE, Explain
from kubectl_mesh.reports.verdicts import Result, Verdict
from simulator.model.directory import ServiceRecord, Workload
from simulator.model.proxies import ProxyId, Role
from simulator.model.requests import Request


@dataclass(slots=True)
class Quantifier:
    """Decides the invariants of one suite."""

    suite: str
    predictor: Predictor
    explain: Explain

    def decide(self, invariant: Invariant) -> Result:
        """Return a pass, or the first request for which the invariant does not hold."""
        asked = 0
        for sender, request in self._requests(invariant):
            asked += 1
            seen = observe(self.predictor, self.predictor.trace(request, sender))
            if seen.trace.disposition in UNDECIDABLE:
                return self._result(invariant, Verdict.UNDECIDED, seen, (seen.disposition,))
            mismatches = judge(invariant.expect, seen) if invariant.expect is not None else ()
            if mismatches:
                result = self._result(invariant, Verdict.FAIL, seen, tuple(map(str, mismatches)))
                path = self.explain(seen.trace, self.predictor.directory, request_text(seen), sender.id)
                steps = flow(self.predictor, seen.trace)
                return replace(result, sources=at_fault(self.predictor, seen, mismatches), path=path, flow=steps)
        if not asked:
            reason = f"no sender and destination match {invariant.sender} and {invariant.destination}"
            return self._result(invariant, Verdict.UNDECIDED, None, (reason,))
        return replace(self._result(invariant, Verdict.PASS, None, ()), request=f"{asked} requests stand for all")

    def _result(
        self, invariant: Invariant, verdict: Verdict, seen: Observed | None, messages: tuple[str, ...]
    ) -> Result:
        witness = f"{request_text(seen)} from {seen.trace.source}" if seen is not None else ""
        return Result(
            name=invariant.name,
            suite=self.suite,
            position=invariant.position,
            verdict=verdict,
            messages=(*messages, *([f"witness: {witness}"] if witness else [])),
            request=witness,
        )

    def _requests(self, invariant: Invariant) -> Iterator[tuple[Workload, Request]]:
        directory = self.predictor.directory
        proxies = frozenset(self.predictor.source.proxies())
        stand_ins = Representatives(source=self.predictor, directory=directory, proxies=proxies)
        senders = [each for each in one_each(directory.workloads) if is_sender(invariant.sender, each)]
        for sender in senders:
            for record in sorted(directory.services.values(), key=lambda record: record.host):
                if not is_destination(invariant.destination, record):
                    continue
                for port in sorted(record.backends):
                    witnesses = stand_ins.witnesses(ProxyId(sender.name, sender.namespace), record.host, port)
                    yield from ((sender, request) for request in requests_of(witnesses, record.host, port))


def request_text(seen: Observed) -> str:
    """Write a request in one line."""
    request = seen.trace.request
    headers = "".join(f" [{name}: {value}]" for name, value in request.headers)
    return f"{request.method} {request.scheme}://{request.host}:{request.port}{request.target}{headers}"


def is_sender(pattern: str, workload: Workload) -> bool:
    """Tell whether `[!]NAMESPACE/[KIND/]NAME`, with `*` in any part, covers a workload; gateways by `gateway/NAME`."""
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
    """Tell whether `[!]NAMESPACE/[svc/]NAME`, with `*` in any part, or a host, covers a service.

    `svc/` leaves out the hosts of ServiceEntries.
    """
    negated, namespace, kind, name = _parts(pattern)
    if kind and not record.kubernetes:
        return False
    short = record.source.name if record.source is not None and record.kubernetes else record.host
    covered = fnmatch.fnmatchcase(record.namespace, namespace) and fnmatch.fnmatchcase(short, name)
    return (covered or pattern.removeprefix("!") == record.host) is not negated


def _parts(pattern: str) -> tuple[bool, str, str, str]:
    negated = pattern.startswith("!")
    *context, name = pattern.removeprefix("!").split("/")
    namespace = context[0] if context else "*"
    return negated, namespace, context[1] if len(context) > 1 else "", name
