"""The difference of two meshes: proxies, Envoy resources, and requests that end differently."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from kubectl_mesh.diagnosis.representatives import MOST
from kubectl_mesh.diagnosis.trace import written
from kubectl_mesh.errors import MeshError
from kubectl_mesh.plan.configuration import compare_configurations
from kubectl_mesh.plan.endings import ending
from kubectl_mesh.plan.questions import Question, Questions
from kubectl_mesh.plan.side import Side
from kubectl_mesh.reports.changes import Changes, Ending, RequestChange, ResourceChange
from kubectl_mesh.sources.base import MeshSource
from simulator.model.directory import Workload
from simulator.model.requests import USUAL_PORTS, Request, Tls

MOST_QUESTIONS = 4000
"""Predictions are milliseconds each; a change that touches everything is sampled, and the report says so."""

_NOBODY = frozenset({"name-not-found", "no-cluster", "no-healthy-endpoint", "unreachable"})
"""Ends of requests that nothing is there to answer: how a proxy finds that out is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A request that the user wants to know about: who sends it, and what."""

    sender: str
    request: Request


def compare(before: MeshSource, after: MeshSource, *, listed: Sequence[Listed] = (), namespace: str = "") -> Changes:
    """Compare two meshes; `namespace` is where the senders of listed requests are looked for."""
    sides = Side(before), Side(after)
    old, new = (side.proxies for side in sides)
    resources, changed = compare_configurations(sides[0].resources, sides[1].resources, sorted(old & new))
    requests = _Requests(*sides)
    requests.ask_listed(listed, namespace=namespace)
    requests.ask(Questions(*sides), resources)
    return Changes(
        resources=resources,
        requests=requests.changes(),
        proxies_added=tuple(map(str, sorted(new - old))),
        proxies_removed=tuple(map(str, sorted(old - new))),
        proxies_changed=tuple(map(str, changed)),
        proxies_total=len(old | new),
        requests_examined=requests.examined,
        notes=tuple(requests.notes),
    )


_Kind = tuple[str, int, str, str, str]
"""Host, port, both endings, and the text of a listed request: what is shown as one."""


@dataclass(slots=True)
class _Requests:
    before: Side
    after: Side
    examined: int = 0
    notes: list[str] = field(default_factory=list)
    _found: dict[_Kind, tuple[Ending, Ending, dict[str, None], dict[str, None]]] = field(default_factory=dict)
    """Requests that end in the same two ways: the endings, the requests, and who sends them."""

    def ask(self, questions: Questions, resources: Iterable[ResourceChange]) -> None:
        """Ask what the changed resources raise; more than `MOST_QUESTIONS` are left out, with a note."""
        for question in questions.of(resources):
            if self.examined >= MOST_QUESTIONS:
                self.notes.append(
                    f"requests: the first {MOST_QUESTIONS} were examined; -n or a smaller change does all"
                )
                break
            self._ask(question)
        if questions.sampled:
            self.notes.append("requests: of many workloads, one of each namespace and set of routes was asked")
        if questions.unasked:
            self.notes.append(
                "requests: every workload is in the mesh; what clients outside it would meet was not asked"
            )
        if questions.truncated:
            self.notes.append(f"requests: of hosts with many routes, {MOST} requests each were examined")

    def ask_listed(self, listed: Iterable[Listed], *, namespace: str) -> None:
        """Ask what the user lists; a sender that one side lacks is a note."""
        for each in listed:
            try:
                senders = [side.sender(each.sender, namespace=namespace) for side in self._sides]
            except MeshError as error:
                self.notes.append(f"{each.sender}: not asked: {error}")
                continue
            self._record(each.request, each.sender, *senders, listed=True)

    @property
    def _sides(self) -> tuple[Side, Side]:
        return self.before, self.after

    def _ask(self, question: Question) -> None:
        old, new = (side.workload(question.sender.name, question.sender.namespace) for side in self._sides)
        if old is not None and new is not None:
            name = f"{old.namespace}/{old.owner or old.name}"
            self._record(question.request, name, old, new, listed=False)

    def _record(self, request: Request, name: str, old: Workload | None, new: Workload | None, *, listed: bool) -> None:
        self.examined += 1
        before, after = ending(self.before, request, old), ending(self.after, request, new)
        if not listed and (not before.differs(after) or (_is_vain(before) and _is_vain(after))):
            return
        text = request_text(request)
        key = (request.host, request.port, repr(_told(before)), repr(_told(after)), text if listed else "")
        _, _, texts, senders = self._found.setdefault(key, (before, after, {}, {}))
        texts[text] = None
        senders[name] = None

    def changes(self) -> tuple[RequestChange, ...]:
        """Return each kind of changed request once: listed ones first, then what breaks, then the rest."""
        found = [
            RequestChange(
                request=next(iter(texts)),
                others=tuple(texts)[1:],
                sources=tuple(senders),
                before=before,
                after=after,
                listed=bool(listed),
            )
            for (*_, listed), (before, after, texts, senders) in self._found.items()
        ]
        return tuple(sorted(found, key=lambda change: (not change.listed, -_severity(change), change.request)))


def _told(end: Ending) -> tuple[object, ...]:
    return end.disposition, end.status, end.destination, end.shares, sorted(end.effects.items(), key=str)


def _is_vain(end: Ending) -> bool:
    """Tell whether nothing is there to answer, whichever branch a request takes."""
    return end.disposition in _NOBODY and all(label.endswith(")") for label, _ in end.shares)


def _severity(change: RequestChange) -> int:
    """Rank a change: it stops being delivered, starts to be, goes elsewhere, is treated otherwise, fails otherwise."""
    delivered = ("delivered", "left-mesh", "passed-through")
    old, new = change.before.disposition in delivered, change.after.disposition in delivered
    if old != new:
        return 4 if old else 3
    if not old:
        return 0
    return 1 + int((change.before.destination, change.before.shares) != (change.after.destination, change.after.shares))


def request_text(request: Request) -> str:
    """Write a request in one line: method, URL without the port that goes without saying, headers, `--tls mutual`."""
    if not request.is_http:
        return written(request).removesuffix("/")
    headers = [f"Host: {request.authority}"] if request.authority is not None else []
    headers += [f"{name}: {value}" for name, value in request.headers]
    url = urlsplit(written(request))
    if url.port == USUAL_PORTS.get(url.scheme):
        url = url._replace(netloc=url.netloc.rpartition(":")[0])
    shown = ["--tls mutual"] if request.tls is Tls.MUTUAL else []
    return " ".join([request.method, urlunsplit(url), *(f"[{header}]" for header in headers), *shown])
