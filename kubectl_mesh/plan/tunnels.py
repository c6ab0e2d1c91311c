"""Which services a change concerns that happens in an ambient mesh: in what ztunnels hold, or in a waypoint."""

from collections.abc import Sequence

from kubectl_mesh.plan.side import Side
from kubectl_mesh.reports.changes import ResourceChange
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

_WAYPOINT = frozenset({"main_internal", "connect_terminate"})
"""Listeners that every request through a waypoint meets."""


def tunnelled(side: Side, change: ResourceChange) -> Sequence[Json]:
    """Return the services, as ztunnel knows them, that a change concerns on one side; none outside ambient meshes."""
    ztunnel = side.ztunnel
    if ztunnel is None:
        return ()
    match change.kind:
        case "service":
            return [
                each
                for each in ztunnel.resources["services"]
                if change.name == f"{each['namespace']}/{each['hostname']}"
            ]
        case "workload":
            return ztunnel.serving({change.name})
        case "policy":
            return ztunnel.serving({each["uid"] for each in ztunnel.bound(change.name)})
        case "listener" if change.name in _WAYPOINT:
            found = (side.workload(each.name, each.namespace) for each in map(ProxyId.parse, change.proxies))
            return ztunnel.reached_through({address for one in found if one is not None for address in one.addresses})
    return ()
