"""How clients reach a route configuration: the port that they dial, and whether they encrypt.

A sidecar's configuration is named for the port that its application dials. A gateway's belongs to a port of the
pod, to which services map the ports that clients know.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.model.directory import Directory, Workload
from simulator.model.requests import Tls
from simulator.model.wire import Json

_ENCRYPTED = 443


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Door:
    """The port that clients dial to reach a route configuration, and their encryption."""

    port: int
    tls: Tls = Tls.NONE

    @classmethod
    def usual(cls, port: int) -> "Door":
        """Return the door at a port of a service; clients use TLS at port 443."""
        return cls(port=port, tls=Tls.SIMPLE if port == _ENCRYPTED else Tls.NONE)


def named_door(configuration: str) -> Door:
    """Return the door of a sidecar's route configuration, read from its name (`80`, `host:80`); port 0 for others."""
    port = configuration.rpartition(":")[2]
    return Door.usual(int(port) if port.isdigit() else 0)


def gateway_doors(directory: Directory, gateway: Workload, listeners: Iterable[Json]) -> Mapping[str, Door]:
    """Return route configuration → door of a gateway; where no service leads to a port, clients dial it directly."""
    dialled: dict[int, int] = {}
    for record in sorted(directory.services.values(), key=lambda each: each.host):
        for port, backends in sorted(record.backends.items()):
            for backend in backends:
                if backend.address in gateway.addresses:
                    dialled.setdefault(backend.port, port)
    found: dict[str, Door] = {}
    for listener in listeners:
        own = int(((listener.get("address") or {}).get("socket_address") or {}).get("port_value") or 0)
        for chain in listener.get("filter_chains", ()):
            for name in _route_names(chain):
                found.setdefault(name, Door(port=dialled.get(own, own), tls=_encryption(chain)))
    return found


def _route_names(chain: Json) -> Iterator[str]:
    for each in chain.get("filters", ()):
        rds: dict[str, Any] = (each.get("typed_config") or {}).get("rds") or {}
        if rds.get("route_config_name"):
            yield str(rds["route_config_name"])


def _encryption(chain: Json) -> Tls:
    socket = chain.get("transport_socket")
    if not socket:
        return Tls.NONE
    return Tls.MUTUAL if (socket.get("typed_config") or {}).get("require_client_certificate") else Tls.SIMPLE
