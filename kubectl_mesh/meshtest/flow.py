"""The path of a request as a SARIF code flow: each decision with its file and line."""

from collections.abc import Iterable, Iterator

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.reports.annotated import Place, place_of
from simulator.model.traces import Step, Trace


def flow(predictor: Predictor, trace: Trace) -> tuple[Place, ...]:
    """Return a place for each decision on the path; decisions without a file have a text only."""
    places = list(_places(predictor, trace.steps, trace.source or "client"))
    for hop in trace.hops:
        places += _places(predictor, hop.steps, f"{hop.proxy} {hop.direction.value}")
    places += _places(predictor, trace.arrival, trace.destination or "destination")
    return tuple(places)


def _places(predictor: Predictor, steps: Iterable[Step], where: str) -> Iterator[Place]:
    for step in steps:
        origin = predictor.origin(step)
        text = f"{where}: {step.kind.value} {step.chosen}".rstrip()
        yield place_of(
            origin.position if origin is not None else "", f"{text} ({step.because})" if step.because else text
        )
