"""GatewayClasses and the controllers that istiod answers to.

istiod: pilot/pkg/config/kube/gatewaycommon (classinfo.go, gateway_utils.go).
"""

from collections.abc import Mapping

from simulator.model.resources import Resource
from simulator.registry.flags import enabled
from simulator.registry.resource_index import ResourceIndex

GATEWAY = "istio.io/gateway-controller"
REMOTE = "istio.io/unmanaged-gateway"
WAYPOINT = "istio.io/mesh-controller"
EAST_WEST = "istio.io/eastwest-controller"


class GatewayClasses:
    """Class name → controller, for the controllers that istiod has switched on."""

    def __init__(self, index: ResourceIndex, flags: Mapping[str, str]) -> None:
        ingress = flags.get("PILOT_GATEWAY_API_CONTROLLER_NAME") or GATEWAY
        builtin = {flags.get("PILOT_GATEWAY_API_DEFAULT_GATEWAYCLASS_NAME") or "istio": ingress}
        if enabled(flags, "PILOT_MULTI_NETWORK_DISCOVER_GATEWAY_API", default=True):
            builtin["istio-remote"] = REMOTE
        if enabled(flags, "PILOT_ENABLE_AMBIENT_WAYPOINTS", default=True):
            builtin["istio-waypoint"] = WAYPOINT
        if enabled(flags, "AMBIENT_ENABLE_MULTI_NETWORK", default=False):
            builtin["istio-east-west"] = EAST_WEST
        self.ingress = ingress
        known = frozenset(builtin.values())
        declared = {one.name: one.spec.get("controllerName") or "" for one in index.of_kind("GatewayClass")}
        ours = {name: controller for name, controller in declared.items() if controller in known}
        self._controllers = builtin | ours

    def controller(self, gateway: Resource) -> str:
        """Return the controller of a Gateway; nothing when it is not istiod's."""
        return self._controllers.get(gateway.spec.get("gatewayClassName") or "", "")


def is_managed(gateway: Resource, flags: Mapping[str, str]) -> bool:
    """Tell whether istiod deploys a Gateway itself; one whose address is a host name is deployed by somebody else."""
    addresses = gateway.spec.get("addresses") or ()
    if not enabled(flags, "ENABLE_GATEWAY_API_MANUAL_DEPLOYMENT", default=True) or not addresses:
        return True
    return len(addresses) == 1 and (addresses[0].get("type") or "IPAddress") == "IPAddress"


def deployment_name(gateway: Resource, controller: str) -> str:
    """Name the Deployment and Service that istiod makes for a Gateway."""
    if override := gateway.annotations.get("gateway.istio.io/name-override"):
        return override
    plain = controller in (WAYPOINT, EAST_WEST)
    return gateway.name if plain else f"{gateway.name}-{gateway.spec.get('gatewayClassName')}"


def gateway_services(gateway: Resource, controller: str, *, flags: Mapping[str, str], domain: str) -> list[str]:
    """Return the hosts of the services whose pods a Gateway is meant for."""
    if is_managed(gateway, flags):
        return [f"{deployment_name(gateway, controller)}.{gateway.namespace}.svc.{domain}"]
    hosts = []
    for address in gateway.spec.get("addresses") or ():
        if (address.get("type") or "Hostname") == "Hostname":
            value = address.get("value") or ""
            hosts.append(value if "." in value else f"{value}.{gateway.namespace}.svc.{domain}")
    return hosts
