"""What istiod sends to every ztunnel: workloads, services and policies, in proto-JSON with camelCase names.

istiod: pilot/pkg/serviceregistry/ambient, pkg/workloadapi. The same for all ztunnels of a mesh, which ask for what they
need of it.
"""

from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.ztunnel_policies import ztunnel_policies
from simulator.xds.ztunnel_services import ztunnel_service
from simulator.xds.ztunnel_workloads import ztunnel_workloads


def ztunnel_resources(snapshot: Snapshot) -> Json:
    """Return `addresses` (each a `service` or a `workload`) and `policies`; both empty when ambient mode is off."""
    if not snapshot.flag("PILOT_ENABLE_AMBIENT", default=False):
        return {"addresses": [], "policies": []}
    services = [{"service": ztunnel_service(snapshot, one)} for one in snapshot.ambient.services]
    workloads = [{"workload": one} for one in ztunnel_workloads(snapshot)]
    return {"addresses": [*services, *workloads], "policies": list(ztunnel_policies(snapshot))}
