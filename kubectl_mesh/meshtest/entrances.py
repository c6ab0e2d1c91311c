"""Where requests of other tools' files enter the mesh: those files name a host, but neither sender nor port.

Requests to a host with rules for the mesh are sent from inside. Requests to a host that only gateways serve are sent to
the gateway, over TLS where it accepts nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

from kubectl_mesh.meshtest.model import RequestSpec
from kubectl_mesh.sources.base import MeshSource
from simulator.model.names import host_matches, resolve_short_name
from simulator.model.requests import USUAL_PORTS
from simulator.model.wire import Json

MESH = "mesh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """The sender of a request, and its port and encryption."""

    sender: str
    scheme: str
    port: int


def entering(source: MeshSource, sender: str, spec: RequestSpec) -> tuple[str, RequestSpec]:
    """Return the sender and the request for a file that names none; unchanged for requests inside the mesh."""
    parts = urlsplit(spec.url)
    found = _entrance(source, parts.hostname or "")
    if found is None:
        return sender, _inside(spec)
    usual = parts.port or found.port == USUAL_PORTS[found.scheme]
    place = parts.netloc if usual else f"{parts.netloc}:{found.port}"
    return found.sender, replace(spec, url=urlunsplit(parts._replace(scheme=found.scheme, netloc=place)))


def _inside(spec: RequestSpec) -> RequestSpec:
    """Return a request as applications send it: in plain text, with a header that names the original scheme."""
    if not spec.url.startswith("https://"):
        return spec
    return replace(
        spec, url=spec.url.replace("https", "http", 1), headers=(*spec.headers, ("x-forwarded-proto", "https"))
    )


def _entrance(source: MeshSource, host: str) -> Entrance | None:
    bound: dict[str, None] = {}
    for rule in source.resources("VirtualService"):
        spec, home = rule.get("spec") or {}, str((rule.get("metadata") or {}).get("namespace", ""))
        hosts = (resolve_short_name(str(each), namespace=home) for each in spec.get("hosts") or ())
        if any(host_matches(each, host) for each in hosts):
            gateways = [str(each) for each in spec.get("gateways") or [MESH]]
            if MESH in gateways:
                return None
            bound |= dict.fromkeys(each if "/" in each else f"{home}/{each}" for each in gateways)
    for name in bound:
        for server in _servers(source, name):
            if any(host_matches(str(each).rpartition("/")[2], host) for each in server.get("hosts") or ()):
                home, _, short = name.partition("/")
                port = server.get("port") or {}
                scheme = "https" if server.get("tls") else "http"
                return Entrance(sender=f"{home}/gateway/{short}", scheme=scheme, port=int(port.get("number") or 0))
    return None


def _servers(source: MeshSource, name: str) -> Iterator[Json]:
    """Yield the servers of a gateway, plain text ones first, without those that only redirect to TLS."""
    home, _, short = name.partition("/")
    for document in source.resources("Gateway", home):
        if (document.get("metadata") or {}).get("name") == short:
            servers = (document.get("spec") or {}).get("servers") or ()
            plain = [each for each in servers if not each.get("tls")]
            yield from plain
            yield from (each for each in servers if each.get("tls") and not each["tls"].get("httpsRedirect"))
