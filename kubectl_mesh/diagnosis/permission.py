"""May this workload make this request to that one, and which rule says so?

The whole path is predicted, so that the server's proxy decides by what really reaches it: the identity in the client's
certificate, the rewritten path, the source address.
"""

from dataclasses import replace

from kubectl_mesh.diagnosis.prediction import through_mesh
from kubectl_mesh.diagnosis.senders import find_sender
from kubectl_mesh.diagnosis.targets import Target, readings
from kubectl_mesh.diagnosis.trace import locator, step_source
from kubectl_mesh.errors import NotAvailable, NothingFound, UsageError
from kubectl_mesh.reports.security import Permission
from kubectl_mesh.reports.trace import RejectedReport
from kubectl_mesh.sources.base import MeshSource
from simulator.model.directory import Directory, ServiceRecord
from simulator.model.requests import Request, Tls
from simulator.model.traces import Disposition, Step, StepKind, Trace

_LISTED = 8


def ask(
    source: MeshSource, directory: Directory, request: Request, *, from_: str, to: str, namespace: str = ""
) -> Permission:
    """Return the verdict on a request; `to` is a service or a workload, with `:PORT` where it has several ports."""
    host, port, called = destination(directory, to, namespace=namespace)
    sent = replace(request, host=host, port=port)
    trace = through_mesh(source, directory, sent, from_=from_, namespace=namespace)
    steps = [step for hop in trace.hops for step in hop.steps if step.kind is StepKind.RBAC]
    denied = trace.disposition is Disposition.DENIED
    if not denied and not trace.disposition.is_delivered and not _judged(trace):
        raise NotAvailable(
            f"the request does not reach {called}: {trace.disposition.meaning}",
            hint=f"kubectl mesh trace {from_} http://{host}:{port}{request.target}",
        )
    decisive = _decisive(steps, denied=denied)
    locate = locator(directory.origins)
    tried = [rejected for step in steps for rejected in step.rejected]
    return Permission(
        allowed=not denied,
        method=request.method,
        path=request.target,
        from_=trace.source,
        to=trace.destination or called,
        because=decisive.because if decisive is not None else "no authorization policy applies",
        identity=_identity(trace, directory),
        rule=step_source(decisive, locate) if decisive is not None and decisive.details.get("policy") else None,
        tried=tuple(RejectedReport(name=each.name, because=each.because) for each in tried),
    )


def _judged(trace: Trace) -> bool:
    """Tell whether a server's proxy has let the request pass, whatever its end."""
    return any(hop.step(StepKind.RBAC) is not None for hop in trace.hops)


def _decisive(steps: list[Step], *, denied: bool) -> Step | None:
    """Return the step that decided: the denial, or the last one that named a rule."""
    if not steps:
        return None
    if denied:
        return steps[-1]
    return next((step for step in reversed(steps) if step.details.get("policy")), steps[-1])


def _identity(trace: Trace, directory: Directory) -> str:
    """Return the identity in the certificate that the last proxy saw; empty without mutual TLS."""
    for hop in reversed(trace.hops[:-1]):
        if hop.forwarded is not None and (hop.forwarded.tls is Tls.MUTUAL or hop.forwarded.tunnel):
            sender = directory.workload(hop.proxy.name, hop.proxy.namespace)
            if sender is None or sender.proxy is None:  # a ztunnel presents the certificate of the client it acts for
                name, _, namespace = trace.source.rpartition(".")
                sender = directory.workload(name, namespace)
            return sender.identity if sender is not None else ""
    return ""


def destination(directory: Directory, text: str, *, namespace: str = "") -> tuple[str, int, str]:
    """Return (host, port, name) of the destination that a user named."""
    name, colon, number = text.rpartition(":")
    if not colon or not number.isdigit():
        name, number = text, ""
    for target in readings(name, namespace=namespace):
        record = _service(directory, target)
        if record is not None:
            return record.host, _port(record, number), record.host
    workload = find_sender(directory, name, namespace=namespace)
    if workload is None or not workload.addresses:
        raise NothingFound(f"{name}: no such service or workload")
    for record in sorted(directory.services.values(), key=lambda each: each.host):
        for port, backends in record.backends.items():
            if number in ("", str(port)) and any(one.address in workload.addresses for one in backends):
                return record.host, port, workload.id
    if not number:
        raise UsageError(f"{name}: no service leads to it", hint=f"name a port: {name}:PORT")
    return workload.addresses[0], int(number), workload.id


def _service(directory: Directory, target: Target) -> ServiceRecord | None:
    if target.kind not in ("", "Service"):
        return None
    found = [
        record
        for record in directory.services.values()
        if record.source is not None
        and record.source.kind == "Service"
        and record.source.name == target.name
        and target.namespace in ("", record.namespace)
    ]
    return min(found, key=lambda record: record.host, default=None)


def _port(record: ServiceRecord, number: str) -> int:
    ports = sorted(record.backends)
    listed = ", ".join(map(str, ports[:_LISTED])) or "none"
    if number and ports and int(number) not in ports and not record.headless:
        raise NothingFound(f"{record.host}: has no port {number}", hint=f"its ports are {listed}")
    if number:
        return int(number)
    if len(ports) != 1:
        raise UsageError(f"{record.host}: which port?", hint=f"its ports are {listed}: write NAME:PORT")
    return ports[0]
