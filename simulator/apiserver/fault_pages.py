"""The path of the served cluster that lists, begins and ends faults; no Kubernetes API has it.

It accepts tokens that a fault declares expired, and answers without delay: otherwise such faults could not be ended.
"""

from typing import TYPE_CHECKING

from simulator.apiserver.authorization import MASTERS, Attributes, User, denial
from simulator.apiserver.fault_board import Playing
from simulator.apiserver.statuses import StatusError, bad_request, method_not_allowed
from simulator.faults.decoding import decode_fault
from simulator.model.errors import SimulatorError
from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.apiserver.services import Cluster

PATH = "/simulator/faults"


def is_control(path: str) -> bool:
    """Tell whether a path is the one of faults or below it."""
    return path == PATH or path.startswith(f"{PATH}/")


async def answer(cluster: "Cluster", user: User, *, method: str, path: str, body: object) -> Json:
    """Answer a request; only the kubeconfig's own user may change the simulation. Raises StatusError."""
    if MASTERS not in user.groups:
        raise denial(user, Attributes(verb=method.lower(), path=path))
    name = path.removeprefix(PATH).strip("/")
    if method == "GET" and not name:
        return {"faults": [_document(each) for each in cluster.faults.playing]}
    if method == "POST" and not name:
        return await _begin(cluster, body)
    if method == "DELETE":
        return _end(cluster, name)
    raise method_not_allowed()


def _document(playing: Playing) -> Json:
    return {"number": playing.number} | playing.fault.document()


async def _begin(cluster: "Cluster", body: object) -> Json:
    try:
        fault = decode_fault(body)
    except SimulatorError as error:
        raise bad_request(f"{error}: {error.hint}" if error.hint else str(error)) from None
    playing = cluster.faults.add(fault, await cluster.keeper.world())
    cluster.keeper.refresh()
    await cluster.keeper.world()
    return _document(playing)


def _end(cluster: "Cluster", name: str) -> Json:
    if name and not name.isdecimal():
        raise bad_request(f'"{name}" is not the number of a fault')
    ended = cluster.faults.remove(int(name) if name else None)
    if name and not ended:
        raise StatusError(code=404, reason="NotFound", message=f"no fault has the number {name}")
    cluster.keeper.refresh()
    return {"ended": ended}
