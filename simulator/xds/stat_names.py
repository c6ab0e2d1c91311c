"""Stats names of clusters, where the mesh sets a pattern for them.

istiod: pilot/pkg/networking/telemetry/telemetry.go (BuildStatPrefix).
"""

from simulator.model.ports import Port
from simulator.model.services import Registry, Service


def stat_name(pattern: str, *, service: Service, port: Port, subset: str = "", target_port: int = 0) -> str:
    """Fill in the pattern of `outboundClusterStatName` or `inboundClusterStatName`."""
    in_cluster = service.registry is Registry.KUBERNETES
    values = {
        "%SERVICE%": f"{service.name}.{service.namespace}" if in_cluster else service.host,
        "%SERVICE_NAME%": service.name if in_cluster else service.host,
        "%SERVICE_FQDN%": service.host,
        "%SUBSET_NAME%": subset,
        "%TARGET_PORT%": str(target_port),
        "%SERVICE_PORT%": str(port.number),
        "%SERVICE_PORT_NAME%": port.name,
    }
    for placeholder, value in values.items():
        pattern = pattern.replace(placeholder, value)
    return pattern
