"""Findings that must not occur: `noFinding` of an invariant, decided by the analyzers of `analyze`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kubectl_mesh.analysis.default_resources import is_given
from kubectl_mesh.analysis.gathering import over_source
from kubectl_mesh.analysis.registry import chosen
from kubectl_mesh.analysis.reporting import row
from kubectl_mesh.analysis.runner import Analysis, analyze
from kubectl_mesh.analysis.suppression import audible
from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.meshtest.model import Invariant
from kubectl_mesh.reports.annotated import Place
from kubectl_mesh.reports.findings import FindingRow
from kubectl_mesh.reports.verdicts import Result, Verdict

_ONLY: Mapping[str, frozenset[str]] = {
    "gateway.SecretAnalyzer": frozenset({"IST0161"}),
    "meshnetworks.MeshNetworksAnalyzer": frozenset({"IST0126"}),
}
"""Codes that only this analyzer finds, for analyzers whose inputs no source provides."""


@dataclass(slots=True)
class Inspector:
    """Analyses the mesh of one suite, once for all of its invariants."""

    suite: str
    predictor: Predictor
    revision: str = ""
    _analysis: Analysis | None = field(default=None, repr=False)

    def decide(self, invariant: Invariant) -> Result:
        """Return a pass, or a failure that lists every finding of the codes that the invariant names."""
        analysis = self._analyzed()
        blank = Result(
            name=invariant.name, suite=self.suite, position=invariant.position, verdict=Verdict.PASS,
            request=f"no finding {', '.join(invariant.no_finding)}",
        )  # fmt: skip
        found = [each for each in self._rows(analysis) if each.code in invariant.no_finding]
        if found:
            return replace(
                blank,
                verdict=Verdict.FAIL,
                messages=tuple(map(_text, found)),
                sources=tuple(f"{each.origin}  {each.file}:{each.line}" for each in found if each.file),
                flow=tuple(Place(file=file, line=line, text=name) for name, file, line in found[0].related),
            )
        missing = tuple(_skipped(analysis, invariant.no_finding))
        return replace(blank, verdict=Verdict.UNDECIDED, messages=missing) if missing else blank

    def _analyzed(self) -> Analysis:
        if self._analysis is None:
            analyzers = chosen(())
            world = over_source(
                self.predictor.source, (), analyzers=analyzers, mesh=None, revision=self.revision or "default"
            )
            origins = self.predictor.directory.origins
            located = [replace(each, origin=origins.get(each.ref, each.origin)) for each in world.resources]
            self._analysis = analyze(replace(world, resources=located), analyzers)
        return self._analysis

    def _rows(self, analysis: Analysis) -> Iterator[FindingRow]:
        for each in audible(analysis.findings, suppressions=(), namespace=""):
            if each.resource is None or is_given(each.resource):
                yield row(each)


def _text(row: FindingRow) -> str:
    witness = f" For example: {row.witness}" if row.witness else ""
    return f"{row.code} {row.name}: {row.origin}: {row.message}{witness}"


def _skipped(analysis: Analysis, codes: Sequence[str]) -> Iterator[str]:
    """Yield why the absence of some codes proves nothing: their analyzers did not run."""
    for check in analysis.skipped:
        if check.name not in _ONLY or _ONLY[check.name] & set(codes):
            yield f"{check.name} did not run: needs {check.skipped}"
