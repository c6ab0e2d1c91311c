"""How does each client encrypt, what does each server accept, and do the two agree?"""

from collections.abc import Iterator, Sequence

from kubectl_mesh.diagnosis.describe_security import peer_authentication
from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.diagnosis.permission import destination
from kubectl_mesh.diagnosis.prediction import configurations, ztunnel_state
from kubectl_mesh.diagnosis.senders import find_sender
from kubectl_mesh.diagnosis.trace import locator, refuses_plain_text, step_source
from kubectl_mesh.errors import UsageError
from kubectl_mesh.reports.security import EncryptionRow
from simulator.model.directory import Directory, Workload
from simulator.model.proxies import Role
from simulator.model.requests import Request, Tls, Wire
from simulator.model.traces import Disposition, StepKind, Trace
from simulator.traffic.follow import follow

_MOST = 20_000
_CONTROL_PLANE = ("istiod", "ztunnel")
_WORDS = {Tls.NONE: "plain text", Tls.SIMPLE: "TLS", Tls.MUTUAL: "mutual TLS"}
_BROKEN = frozenset({Disposition.TLS_MISMATCH, Disposition.NO_FILTER_CHAIN})


def diagnose(
    lookup: Lookup, directory: Directory, *, from_: str = "", to: str = "", namespace: str = ""
) -> tuple[EncryptionRow, ...]:
    """Return a row for each sender and service port: those named, or all of the mesh."""
    senders = _senders(directory, from_, namespace)
    targets = [destination(directory, to, namespace=namespace)[:2]] if to else list(_targets(directory))
    if len(senders) * len(targets) > _MOST:
        raise UsageError(f"{len(senders)} senders and {len(targets)} ports are too many", hint="name --from or --to")
    configuration, ztunnels = configurations(lookup.source), ztunnel_state(lookup.source)
    rows = []
    for sender in senders:
        for host, port in targets:
            request = Request(host=host, port=port, wire=Wire.HTTP1)
            trace = follow(directory, configuration, request, sender, ztunnels=ztunnels)
            rows.append(_row(lookup, directory, trace, sender=sender, target=(host, port)))
    return tuple(rows)


def _senders(directory: Directory, name: str, namespace: str) -> Sequence[Workload]:
    if name:
        found = find_sender(directory, name, namespace=namespace)
        if found is None:
            raise UsageError("--from outside: clients outside the mesh have no identity", hint="name a workload")
        return [found]
    senders: dict[tuple[str, str], Workload] = {}
    for workload in directory.workloads:
        if _sends(workload) and namespace in ("", workload.namespace):
            senders.setdefault((workload.namespace, workload.owner or workload.name), workload)
    return [senders[key] for key in sorted(senders)]


def _sends(workload: Workload) -> bool:
    """Tell whether a workload is an application, which gateways and the control plane are not."""
    is_control_plane = workload.proxy is None and workload.labels.get("app") in _CONTROL_PLANE
    return workload.role in (None, Role.SIDECAR) and not is_control_plane


def _targets(directory: Directory) -> Iterator[tuple[str, int]]:
    """Yield (host, port) of the services that applications call, without waypoints, which only forward traffic."""
    for host, record in sorted(directory.services.items()):
        if not record.kubernetes or record.external_name:
            continue
        for port, backends in sorted(record.backends.items()):
            servers = (directory.workload_at(each.address) for each in backends)
            if any(each is None or each.role is not Role.WAYPOINT for each in servers):
                yield host, port


def _row(
    lookup: Lookup, directory: Directory, trace: Trace, *, sender: Workload, target: tuple[str, int]
) -> EncryptionRow:
    carried = sender.proxy is not None or sender.ambient
    first = trace.hops[0].forwarded if trace.hops and carried else None
    judged = trace.hops[-1].step(StepKind.RBAC) if trace.hops else None
    refused = judged is not None and refuses_plain_text(judged)
    works = trace.disposition not in _BROKEN and not refused
    server = _server(directory, trace)
    accepts, applied = _accepts(lookup, server, first.port if first is not None else target[1])
    return EncryptionRow(
        from_=f"{sender.owner or sender.name}.{sender.namespace}",
        to=target[0],
        port=target[1],
        sends=_WORDS[first.tls] if first is not None else _WORDS[Tls.NONE],
        accepts=accepts,
        result="ok" if works else trace.disposition.value,
        works=works,
        decided_by=", ".join(dict.fromkeys([*_rules(trace, directory), *applied])) or "defaults",
    )


def _server(directory: Directory, trace: Trace) -> Workload | None:
    addresses = [hop.forwarded.address for hop in trace.hops if hop.forwarded is not None]
    reached = trace.hops[-1].step(StepKind.ENDPOINT) if trace.hops else None
    if not addresses and reached is not None:
        addresses.append(reached.chosen.rpartition(":")[0].strip("[]"))
    name, _, namespace = trace.destination.rpartition(".")
    return directory.workload(name, namespace) or (directory.workload_at(addresses[-1]) if addresses else None)


def _accepts(lookup: Lookup, server: Workload | None, port: int) -> tuple[str, tuple[str, ...]]:
    if server is None:
        return "", ()
    if server.proxy is None and not server.ambient:
        return "plain text (no proxy)", ()
    pod = lookup.get("Pod", server.namespace, server.name)
    if pod is None:
        return "", ()
    found = peer_authentication(lookup, pod)
    mode = dict(found.ports).get(port, found.mode)
    return mode, tuple(f"PeerAuthentication/{name}" for name in found.applied)


def _rules(trace: Trace, directory: Directory) -> Iterator[str]:
    """Yield the name of the DestinationRule behind the client's cluster."""
    locate = locator(directory.origins)
    step = trace.hops[0].step(StepKind.CLUSTER) if trace.hops else None
    source = step_source(step, locate) if step is not None else None
    if source is not None and source.resource.startswith("DestinationRule/"):
        kind, namespace, name = source.resource.split("/")
        yield f"{kind}/{name}.{namespace}"
