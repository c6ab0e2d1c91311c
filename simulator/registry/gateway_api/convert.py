"""All resources of the Gateway API → Gateways, VirtualServices and DestinationRules.

istiod: pilot/pkg/config/kube/gateway/controller.go.
"""

from collections.abc import Mapping

from simulator.registry.flags import enabled
from simulator.registry.gateway_api.backend_policies import policy_rules
from simulator.registry.gateway_api.certificates import Certificates
from simulator.registry.gateway_api.destinations import Backends
from simulator.registry.gateway_api.listeners import Listeners
from simulator.registry.gateway_api.parents import Parents
from simulator.registry.gateway_api.references import ReferenceGrants
from simulator.registry.gateway_api.routes import RouteConverter
from simulator.registry.ingress import Converted
from simulator.registry.resource_index import ResourceIndex


def convert_gateway_api(index: ResourceIndex, *, flags: Mapping[str, str], domain: str) -> Converted:
    """Convert the Gateway API resources that istiod is responsible for."""
    if not enabled(flags, "PILOT_ENABLE_GATEWAY_API", default=True):
        return Converted()
    grants = ReferenceGrants(index)
    certificates = Certificates(index=index, grants=grants)
    listeners = Listeners(index, flags=flags, domain=domain, certificates=certificates)
    backends = Backends(index=index, grants=grants, flags=flags, domain=domain)
    converter = RouteConverter(Parents(index, listeners, domain=domain), backends)
    virtual_services = [
        *converter.http([*index.of_kind("HTTPRoute"), *index.of_kind("GRPCRoute")]),
        *converter.tls(index.of_kind("TLSRoute")),
    ]
    if enabled(flags, "PILOT_ENABLE_ALPHA_GATEWAY_API", default=False):
        virtual_services += converter.tcp(index.of_kind("TCPRoute"))
    return Converted(
        gateways=tuple(listener.gateway for listener in listeners.all if listener.valid),
        virtual_services=tuple(virtual_services),
        destination_rules=tuple(policy_rules(index, flags=flags, domain=domain)),
        caveats=(*listeners.caveats, *backends.caveats, *converter.caveats),
    )
