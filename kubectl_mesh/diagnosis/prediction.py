"""Ask the engine where a request goes: through a whole mesh, or through the one proxy that a saved document holds."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from kubectl_mesh.diagnosis.attribution import attributed
from kubectl_mesh.diagnosis.config_dump import ConfigDump, decode, listed, reading
from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.diagnosis.makers import explained
from kubectl_mesh.diagnosis.senders import find_sender
from kubectl_mesh.diagnosis.ztunnel_pods import ztunnels
from kubectl_mesh.sources.base import MeshSource, ResourceSource
from simulator.envoy.config import Config, Conversions
from simulator.envoy.proxy import decide
from simulator.model.addresses import is_address
from simulator.model.directory import Directory
from simulator.model.proxies import Direction, ProxyId
from simulator.model.requests import Request
from simulator.model.traces import Trace
from simulator.traffic.follow import follow
from simulator.traffic.ztunnel_state import Ztunnel

_DUMP = "config_dump?include_eds=true"
_UNLISTED = "240.0.0.1"
"""Reserved for ever (RFC 1112): stands for an address that no listener names."""


def through_mesh(
    source: MeshSource, directory: Directory, request: Request, *, from_: str, namespace: str = ""
) -> Trace:
    """Follow a request from a workload, a gateway or outside."""
    sender = find_sender(directory, from_, namespace=namespace)
    trace = follow(directory, configurations(source), request, sender, ztunnels=ztunnel_state(source))
    return explained(Lookup(source), attributed(source, trace))


def through_proxy(
    source: MeshSource, request: Request, *, inbound: bool = False, resolve: Mapping[str, str] | None = None
) -> Trace:
    """Decide as the only proxy of a source would, for a request of its own workload or, `inbound`, one to it."""
    (proxy,) = source.proxies()
    data = source.envoy(proxy, _DUMP)
    with reading(f"config dump of {proxy}"):
        address, note = _address(data, request, resolve or {})
    direction = Direction.INBOUND if inbound else Direction.OUTBOUND
    config = Config.read(decode(data, subject=f"config dump of {proxy}"))
    hop = decide(config, replace(request, destination_ip=address), direction, proxy=proxy)
    forwarded = hop.forwarded
    delivered = hop.verdict.disposition.is_delivered and forwarded is not None
    return Trace(
        request=request,
        hops=(hop,),
        disposition=hop.verdict.disposition,
        verdict=hop.verdict,
        source=str(proxy),
        destination=f"{forwarded.address}:{forwarded.port}" if delivered and forwarded is not None else "",
        notes=((note,) if note else ()),
    )


def configurations(source: MeshSource) -> Callable[[ProxyId], Config]:
    """Return a function that reads the configuration of a proxy, each once."""
    read: dict[ProxyId, Config] = {}
    convert = Conversions()

    def configuration(proxy: ProxyId) -> Config:
        if proxy not in read:
            if isinstance(source, ResourceSource):
                read[proxy] = Config.read(source.configuration(proxy), convert=convert)
            else:
                read[proxy] = Config.read(decode(source.envoy(proxy, _DUMP), subject=f"config dump of {proxy}"))
        return read[proxy]

    return configuration


def ztunnel_state(source: MeshSource) -> Callable[[], Ztunnel | None]:
    """Return a function that reads what the ztunnels of a mesh know, once; all know the same, so the first is asked."""

    @cache
    def state() -> Ztunnel | None:
        found = next(iter(ztunnels(source)), None)
        if found is None:
            return None
        subject = f"config dump of {found}"
        document = decode(source.envoy(found, "config_dump"), subject=subject)
        with reading(subject):
            return Ztunnel.read(document)

    return state


def _address(data: bytes, request: Request, resolve: Mapping[str, str]) -> tuple[str, str]:
    """Return the address a host has, and a note where it had to be guessed.

    istiod lists a service's address among the domains of its virtual hosts, which tells it to a reader of the dump.
    """
    host = request.host.lower()
    if host in resolve:
        return resolve[host], ""
    if is_address(host.strip("[]")):
        return host, ""
    for domains in _domains(data):
        if host in domains:
            found = [domain for domain in domains if is_address(domain.strip("[]"))]
            if found:
                return found[0], ""
    text = "a saved document does not tell addresses: --resolve HOST:IP does"
    return _UNLISTED, f"{request.host} is taken to have an address that no listener names; {text}"


def _domains(data: bytes) -> list[list[str]]:
    sections = ConfigDump.parse(data).sections("RoutesConfigDump")
    found: list[list[str]] = []
    for section in sections:
        for entry in listed(section.get("dynamicRouteConfigs")):
            configuration: Any = entry.get("routeConfig") or {}
            found += [listed(host.get("domains")) for host in listed(configuration.get("virtualHosts"))]
    return found
