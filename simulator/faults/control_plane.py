"""What istiod knows of proxies that have faults: who is connected, and what of each type was sent and acknowledged."""

from collections.abc import Iterable, Mapping

from simulator.faults.model import Fault, FaultKind
from simulator.istiod.sync import TYPE_NAMES, Deviation
from simulator.model.proxies import ProxyId

_DEFAULT_TYPES = {FaultKind.REJECTED: ("LDS",)}


def deviations(faults: Iterable[Fault], proxies: Iterable[ProxyId]) -> Mapping[tuple[ProxyId, str], Deviation]:
    """Return how proxies deviate from what istiod has, by proxy and type URL."""
    playing = {
        FaultKind.STALE: lambda fault: Deviation(),
        FaultKind.NOT_SENT: lambda fault: Deviation(sent=False),
        FaultKind.REJECTED: lambda fault: Deviation(error=fault.message),
    }
    names = list(proxies)
    found: dict[tuple[ProxyId, str], Deviation] = {}
    for fault in faults:
        if fault.kind not in playing:
            continue
        types = fault.types or _DEFAULT_TYPES.get(fault.kind) or tuple(TYPE_NAMES)
        for proxy in names:
            if fault.hits(proxy):
                found |= {(proxy, TYPE_NAMES[name]): playing[fault.kind](fault) for name in types}
    return found


def disconnected(faults: Iterable[Fault], proxies: Iterable[ProxyId]) -> frozenset[ProxyId]:
    """Return the proxies that istiod has no connection from."""
    lost = [fault for fault in faults if fault.kind is FaultKind.DISCONNECTED]
    return frozenset(proxy for proxy in proxies if any(fault.hits(proxy) for fault in lost))
