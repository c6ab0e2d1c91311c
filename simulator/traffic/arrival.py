"""The end of the way: an application's port, a port of the proxy's own, an address outside the mesh, or nothing."""

from simulator.envoy.http_codec import is_upgrade
from simulator.model.directory import Directory
from simulator.model.names import PASSTHROUGH
from simulator.model.own_ports import CAPTURED_PORTS, HBONE_PORT, LOCAL_PORTS, OWN_PORTS
from simulator.model.proxies import Role
from simulator.model.requests import Request, Tls, Wire
from simulator.model.traces import Disposition, Forwarded, Step, StepKind, Verdict
from simulator.traffic.addresses import endpoint, is_loopback
from simulator.traffic.network import Place

_HTTPS_PORT = 443


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
    details: dict[str, str | int] = {"pod": workload.id, "port": place.port}
    if name:
        details["port_name"] = name
    if workload.ports and place.port not in workload.ports:
        details["undeclared"] = True
    undeclared = f", whose containers declare no port {place.port}" if "undeclared" in details else ""
    because = f"the application of {workload.id}{undeclared}{_layers(request)}"
    step = Step(kind=StepKind.ENDPOINT, chosen=where, because=because, details=details, document=workload.source)
    return Verdict(disposition=Disposition.DELIVERED, status=_usual_status(request)), step, workload.id


def arrive_at_proxy(place: Place, request: Request) -> tuple[Verdict, Step] | None:
    """End at a port that the proxy of a workload, or the agent beside it, serves; None at any other."""
    workload = place.workload
    if workload is None or workload.proxy is None or place.port not in _served(workload.role):
        return None
    end, chosen, because = Disposition.DIRECT_RESPONSE, endpoint(place.address, place.port), OWN_PORTS[place.port]
    if place.port in LOCAL_PORTS and not is_loopback(place.address):
        end, chosen, because = Disposition.UNREACHABLE, "none", f"port {place.port} is {because}"
    elif place.port in CAPTURED_PORTS:
        because = f"{because}. What is sent to the port itself goes nowhere"
        end, chosen = Disposition.BLACK_HOLE, "none"
    elif request.tls is not Tls.NONE:
        end, chosen, because = Disposition.TLS_MISMATCH, "refused", f"{because}; in plain text only"
    status = 200 if end is Disposition.DIRECT_RESPONSE and request.is_http else None
    step = Step(kind=StepKind.LISTENER, chosen=chosen, because=because, document=workload.source)
    return Verdict(disposition=end, status=status), step


def _served(role: Role | None) -> frozenset[int]:
    """Return the ports of its own at which a proxy ends connections; tunnels are a matter of its listeners."""
    ended = frozenset(OWN_PORTS) - {HBONE_PORT}
    return ended if role is Role.SIDECAR else ended - CAPTURED_PORTS


def arrive_outside(place: Place, request: Request, forwarded: Forwarded | None) -> tuple[Verdict, Step]:
    """End at an address that is no workload's: outside the mesh, or nowhere."""
    if place.refused:
        step = Step(kind=StepKind.ENDPOINT, chosen="none", because=place.refused)
        return Verdict(disposition=Disposition.UNREACHABLE), step
    disposition = Disposition.PASSED_THROUGH if _is_passed_on(forwarded) else Disposition.LEFT_MESH
    known = place.address or request.host
    because = f"an address outside the mesh{_layers(request)}"
    step = Step(kind=StepKind.ENDPOINT, chosen=endpoint(known, place.port), because=because)
    return Verdict(disposition=disposition, status=_usual_status(request)), step


def wrong_encryption(directory: Directory, place: Place, request: Request) -> str:
    """Return a note where plain HTTP gets to a server that most likely expects TLS; empty elsewhere."""
    if not request.is_http or request.tls is not Tls.NONE:
        return ""
    reason = directory.tls_ports.get((place.address or request.host, place.port), "")
    if not reason and place.workload is None and place.port == _HTTPS_PORT:
        reason = f"port {_HTTPS_PORT} is that of HTTPS"
    return f"plain HTTP gets there, but the server most likely expects TLS: {reason}" if reason else ""


def _layers(request: Request) -> str:
    """Warn of TLS inside TLS, which few servers take off twice."""
    return ", which gets the client's own TLS inside that of the proxy" if request.inner is not None else ""


def _usual_status(request: Request) -> int | None:
    """Return the status with which a server that does what it is asked answers."""
    if not request.is_http:
        return None
    fields = ((name.lower(), value) for name, value in request.headers)
    return 101 if request.wire is Wire.HTTP1 and is_upgrade(fields) else 200


def _is_passed_on(forwarded: Forwarded | None) -> bool:
    """Tell whether a proxy passed a connection on to an address that it knows nothing of."""
    if forwarded is None:
        return False
    return forwarded.cluster == PASSTHROUGH or (not forwarded.cluster and forwarded.original_destination)
