"""Run the cases of a suite over a mesh."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.errors import MeshError
from kubectl_mesh.meshtest.asking import request_of
from kubectl_mesh.meshtest.blaming import at_fault
from kubectl_mesh.meshtest.entrances import entering
from kubectl_mesh.meshtest.flow import flow
from kubectl_mesh.meshtest.importing import CLIENT
from kubectl_mesh.meshtest.judging import Mismatch, judge
from kubectl_mesh.meshtest.model import Case, RequestSpec, Suite
from kubectl_mesh.meshtest.observing import Observed, observe
from kubectl_mesh.meshtest.ordering import Orders
from kubectl_mesh.meshtest.strangers import strangers
from kubectl_mesh.reports.verdicts import Result, Verdict
from simulator.model.directory import Directory
from simulator.model.traces import Disposition, Trace

Clock = Callable[[], float]
Explain = Callable[[Trace, Directory, str, str], str]
"""(trace, directory, URL, sender) → the trace as text."""
PUBLIC = "203.0.113.10"
"""The address assumed for hosts that the mesh does not know, where stand-ins are used (RFC 5737)."""
UNDECIDABLE = frozenset({Disposition.NOT_SIMULATED, Disposition.UNREADABLE_CONFIGURATION})


@dataclass(slots=True)
class Runner:
    """Runs the cases of one suite over a mesh, and records what their requests met."""

    suite: Suite
    predictor: Predictor
    namespace: str
    explain: Explain
    clock: Clock
    orders: Orders
    seen: list[Observed] = field(default_factory=list)

    def run(self, wanted: Callable[[Case], bool] = lambda case: True) -> Iterator[Result]:
        """Yield the result of each wanted case, in the order of the file."""
        for case in self.suite.cases:
            if wanted(case):
                started = self.clock()
                yield replace(self._case(case), seconds=round(self.clock() - started, 6))

    def _case(self, case: Case) -> Result:
        blank = Result(name=case.name, suite=self.suite.name, position=case.position, verdict=Verdict.UNDECIDED)
        if case.skip:
            return replace(blank, verdict=Verdict.SKIP, messages=(case.skip,))
        try:
            observed = self.ask(case.sender, case.request)
        except MeshError as error:
            return replace(blank, messages=(str(error), *([error.hint] if error.hint else [])))
        method = f"{observed.trace.request.method} " if observed.trace.request.is_http else ""
        request = f"{method}{case.request.url} from {case.sender}"
        if observed.trace.disposition in UNDECIDABLE:
            reason = f"{observed.disposition}: {'; '.join(observed.trace.notes) or observed.trace.verdict.details}"
            return replace(blank, messages=(reason,), request=request)
        sender = self.predictor.sender(case.sender, namespace=self.namespace)
        undetermined = self.orders.contrary(observed, sender)
        mismatches = judge(case.expect, observed, namespace=self.namespace)
        mismatches += (undetermined,) if undetermined is not None else ()
        if mismatches and all(_is_unknown(each, observed) for each in mismatches):
            reason = f"the rule of {observed.rule} that routes is not known here: expect rule.name, or use manifests"
            return replace(blank, messages=(reason,), request=request)
        if not mismatches:
            return replace(blank, verdict=Verdict.PASS, request=request)
        return replace(
            blank,
            verdict=Verdict.FAIL,
            request=request,
            messages=(*map(str, mismatches), *strangers(self.predictor, case.expect, namespace=self.namespace)),
            sources=at_fault(self.predictor, observed, mismatches),
            path=self.explain(observed.trace, self.predictor.directory, case.request.url, case.sender),
            flow=flow(self.predictor, observed.trace),
        )

    def ask(self, sender: str, spec: RequestSpec) -> Observed:
        """Predict the answer to a request; raises MeshError for an unknown sender or an invalid URL."""
        if self.suite.given.stand_ins and sender == CLIENT:
            sender, spec = entering(self.predictor.source, sender, spec)
        workload = self.predictor.sender(sender, namespace=self.namespace)
        request = request_of(spec)
        trace = self.predictor.trace(request, workload, resolve=spec.resolve)
        if self.suite.given.stand_ins and trace.disposition is Disposition.NAME_NOT_FOUND:
            trace = self.predictor.trace(request, workload, resolve={request.host.lower(): PUBLIC})
        observed = observe(self.predictor, trace)
        self.seen.append(observed)
        return observed


def _is_unknown(mismatch: Mismatch, seen: Observed) -> bool:
    return mismatch.part == "rule.index" and bool(seen.rule) and seen.rule_index is None
