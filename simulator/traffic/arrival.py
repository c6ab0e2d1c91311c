"""The end of the way: an application's port, an address outside the mesh, or nothing."""

from simulator.model.names import PASSTHROUGH
from simulator.model.requests import Request, Tls
from simulator.model.traces import Disposition, Forwarded, Step, StepKind, Verdict
from simulator.traffic.addresses import endpoint
from simulator.traffic.network import Place


def arrive_at_application(place: Place, request: Request, *, by_proxy: bool) -> tuple[Verdict, Step, str]:
    """End at the application of a workload; `by_proxy` says that a proxy, not the client, chose the encryption."""
    workload = place.workload
    assert workload is not None
    where = endpoint(place.address, place.port)
    mesh_only = any(name.startswith("istio") for name in request.alpn)
    if by_proxy and request.tls is Tls.MUTUAL and mesh_only:
        because = f"{workload.id} has no proxy that could end the mesh's mutual TLS"
        step = Step(kind=StepKind.TRANSPORT, chosen="refused", because=because, document=workload.source)
        return Verdict(disposition=Disposition.TLS_MISMATCH), step, ""
    name = workload.ports.get(place.port)
    details = {"pod": workload.id, "port": place.port}
    if name:
        details["port_name"] = name
    if name is None and workload.ports:
        details["declared"] = False
    because = f"the application of {workload.id}"
    step = Step(kind=StepKind.ENDPOINT, chosen=where, because=because, details=details, document=workload.source)
    status = 200 if request.is_http else None
    return Verdict(disposition=Disposition.DELIVERED, status=status), step, workload.id


def arrive_outside(place: Place, request: Request, forwarded: Forwarded | None) -> tuple[Verdict, Step]:
    """End at an address that is no workload's: outside the mesh, or nowhere."""
    if place.refused:
        step = Step(kind=StepKind.ENDPOINT, chosen="none", because=place.refused)
        return Verdict(disposition=Disposition.UNREACHABLE), step
    disposition = Disposition.PASSED_THROUGH if _is_passed_on(forwarded) else Disposition.LEFT_MESH
    known = place.address or request.host
    step = Step(kind=StepKind.ENDPOINT, chosen=endpoint(known, place.port), because="an address outside the mesh")
    return Verdict(disposition=disposition, status=200 if request.is_http else None), step


def _is_passed_on(forwarded: Forwarded | None) -> bool:
    """Tell whether a proxy passed a connection on to an address that it knows nothing of."""
    if forwarded is None:
        return False
    return forwarded.cluster == PASSTHROUGH or (not forwarded.cluster and forwarded.original_destination)
