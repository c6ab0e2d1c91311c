"""Rules of a VirtualService. istio: ValidateVirtualService in pkg/config/validation/validation.go."""

import re
from collections.abc import Iterator, Sequence

from simulator.model.addresses import is_address
from simulator.model.go_text import quote
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation import names
from simulator.validation.destinations import gateway_names, tcp_destinations
from simulator.validation.headers import is_claim
from simulator.validation.http_route import http_route
from simulator.validation.problems import Problems, at, error, errors_only, warning
from simulator.validation.reachability import unreachable
from simulator.validation.selectors import exported_to

_MESH = "mesh"
_MADE_BY_ISTIOD = "internal.istio.io/route-semantics"
_SNI_FORMAT = "outbound_.<PORT>_._.<HOSTNAME>"


def validate(resource: Resource) -> Problems:
    """Check a VirtualService."""
    return at(("spec",), _spec(resource))


def _spec(resource: Resource) -> Problems:
    spec = resource.spec
    hosts, gateways = spec.get("hosts") or [], spec.get("gateways") or []
    from_gateway_api = resource.annotations.get(_MADE_BY_ISTIOD) == "gateway"
    on_gateway = bool(gateways) and _MESH not in gateways
    if not hosts:
        yield from _delegate(spec)
    if gateways:
        yield from at(("gateways",), gateway_names(gateways, from_gateway_api=from_gateway_api))
    if not on_gateway:
        yield from _claims(spec, gateways)
    yield from _hosts(spec, hosts, on_gateway=on_gateway)
    if not any(spec.get(kind) for kind in ("http", "tcp", "tls")):
        yield error("http, tcp or tls must be provided in virtual service")
    for number, route in enumerate(spec.get("http") or ()):
        found = http_route(route, is_delegate=not hosts, from_gateway_api=from_gateway_api)
        yield from at(("http", number), found)
    bound = _MESH not in gateways
    for number, route in enumerate(spec.get("tls") or ()):
        found = _tls_route(route, hosts, on_gateway=bound, from_gateway_api=from_gateway_api)
        yield from at(("tls", number), found)
    for number, route in enumerate(spec.get("tcp") or ()):
        yield from at(("tcp", number), errors_only(_tcp_route(route, from_gateway_api=from_gateway_api)))
    yield from exported_to(resource.namespace, spec.get("exportTo") or ())
    for kind in ("http", "tcp", "tls"):
        yield from unreachable(spec.get(kind) or (), kind)


def _delegate(spec: Json) -> Problems:
    if spec.get("gateways"):
        yield error("delegate virtual service must have no gateways specified", "gateways")
    for kind in ("tls", "tcp"):
        if spec.get(kind):
            yield error(f"delegate virtual service must have no {kind} route specified", kind)


def _claims(spec: Json, gateways: Sequence[str]) -> Problems:
    shown = f"[{' '.join(gateways)}]"
    for path, name in _matched_headers(spec):
        if is_claim(name):
            text = f"JWT claim based routing (key: {name}) is only supported for gateway, found no gateways: {shown}"
            yield error(text, *path)


def _matched_headers(spec: Json) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for number, route in enumerate(spec.get("http") or ()):
        for index, match in enumerate(route.get("match") or ()):
            for field in ("headers", "withoutHeaders"):
                for name in match.get(field) or ():
                    yield ("http", number, "match", index, field, name), name


def _hosts(spec: Json, hosts: Sequence[str], *, on_gateway: bool) -> Problems:
    valid = True
    has_sni = any(match.get("sniHosts") for route in spec.get("tls") or () for match in route.get("match") or ())
    for number, host in enumerate(hosts):
        problem = _gateway_host(host, sni=has_sni) if on_gateway else names.domain_problem(host, wildcard=True)
        if problem and not is_address(host):
            valid = False
            yield error(problem, "hosts", number)
        elif not problem and not on_gateway and host == names.ANY:
            valid = False
            text = "wildcard host * is not allowed for virtual services bound to the mesh gateway"
            yield error(text, "hosts", number)
    if valid:
        for number, one in enumerate(hosts):
            for other in hosts[number + 1 :]:
                if names.overlaps(one, other):
                    yield error(f"duplicate hosts in virtual service: {one} & {other}", "hosts", number)


def _gateway_host(host: str, *, sni: bool) -> str:
    """Return what is wrong with a host on a gateway, where istiod's own SNI names are allowed too."""
    if not (sni and host.startswith("outbound_")):
        return names.domain_problem(host, wildcard=True)
    parts = host.split("_")
    if len(parts) < 4:
        return f"domain name {host} invalid, should follow '{_SNI_FORMAT}' format"
    port, name = parts[1].strip("."), parts[3].strip(".")
    for label, pattern in ((port, "[0-9]"), (name, "[a-zA-Z]")):
        if not re.search(pattern, label):
            return (
                f"domain name {quote(host)} invalid (label {quote(label)} invalid). should follow {_SNI_FORMAT} format"
            )
    return ""


def _tls_route(route: Json, hosts: Sequence[str], *, on_gateway: bool, from_gateway_api: bool) -> Problems:
    matches = route.get("match") or []
    if not matches:
        yield error("TLS route must have at least one match condition")
    for number, match in enumerate(matches):
        yield from at(("match", number), _tls_match(match, hosts, on_gateway=on_gateway))
    if not route.get("route"):
        yield error("TLS route is required")
    yield from tcp_destinations(route.get("route") or (), from_gateway_api=from_gateway_api)


def _tls_match(match: Json, hosts: Sequence[str], *, on_gateway: bool) -> Problems:
    if not match.get("sniHosts"):
        yield error("TLS match must have at least one SNI host")
    for number, host in enumerate(match.get("sniHosts") or ()):
        yield from at(("sniHosts", number), _sni_host(host, hosts, on_gateway=on_gateway))
    yield from _layer_4(match)


def _layer_4(match: Json) -> Problems:
    for number, subnet in enumerate(match.get("destinationSubnets") or ()):
        yield from at(("destinationSubnets", number), names.subnet(subnet))
    if match.get("port"):
        yield from at(("port",), names.port(match["port"]))
    yield from at(("sourceLabels",), names.labels(match.get("sourceLabels")))
    yield from at(("gateways",), gateway_names(match.get("gateways") or ()))


def _sni_host(host: str, hosts: Sequence[str], *, on_gateway: bool) -> Problems:
    problem = _gateway_host(host, sni=True) if on_gateway else names.domain_problem(host, wildcard=True)
    if problem and is_address(host):
        text = f"using an IP address ({quote(host)}) goes against SNI spec and most clients do not support this"
        yield warning(text)
    elif problem:
        yield error(problem)
    elif not any(names.covers(each, host) for each in hosts):
        yield error(
            f"SNI host {quote(host)} is not a compatible subset of any of the virtual service hosts: "
            f"[{', '.join(hosts)}]"
        )


def _tcp_route(route: Json, *, from_gateway_api: bool) -> Problems:
    for number, match in enumerate(route.get("match") or ()):
        yield from at(("match", number), _layer_4(match))
    if not route.get("route"):
        yield error("TCP route is required")
    yield from tcp_destinations(route.get("route") or (), from_gateway_api=from_gateway_api)
