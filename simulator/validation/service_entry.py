"""Rules of a ServiceEntry. istio: ValidateServiceEntry in pkg/config/validation/validation.go."""

from collections.abc import Set as AbstractSet

from simulator.model.addresses import is_address
from simulator.model.go_text import quote
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation import names
from simulator.validation.problems import Problem, Problems, at, error, warning
from simulator.validation.protocols import is_http, is_tcp, is_tls, protocol
from simulator.validation.selectors import NO_LABELS, exported_to, selected_labels
from simulator.validation.workload_entry import endpoint_ports, workload_entry

_ALLOCATE = "networking.istio.io/enable-autoallocate-ip"
_WAYPOINT = "istio.io/use-waypoint"
_DYNAMIC = "DYNAMIC_DNS"
_DYNAMIC_PROTOCOLS = frozenset({"http", "tls", "grpc", "http2"})


def validate(resource: Resource) -> Problems:
    """Check a ServiceEntry."""
    spec = resource.spec
    selector, resolution = spec.get("workloadSelector"), spec.get("resolution") or "NONE"
    refused = list(selected_labels((selector or {}).get("labels")))
    if refused:
        yield from at(("spec", "workloadSelector", "labels"), refused)
        return
    if selector is not None and not selector.get("labels"):
        text = f"service entry: {NO_LABELS}, will be applied to all services in namespace"
        yield warning(text, "spec", "workloadSelector")
    if selector is not None and spec.get("endpoints"):
        yield error("only one of WorkloadSelector or Endpoints is allowed in Service Entry", "spec", "endpoints")
    yield from at(("spec",), _hosts(spec, resolution))
    yield from at(("spec",), _addresses(spec, resolution))
    yield from at(("spec",), _ports(resource, resolution))
    yield from at(("spec",), _resolution(resource, resolution))
    yield from at(("spec",), _plain_tcp(spec, resolution))
    yield from at(("spec",), exported_to(resource.namespace, spec.get("exportTo") or (), nobody=True))


def _hosts(spec: Json, resolution: str) -> Problems:
    if not spec.get("hosts"):
        yield error("service entry must have at least one host")
    for number, host in enumerate(spec.get("hosts") or ()):
        if host == names.ANY:
            yield error(f"invalid host {host}", "hosts", number)
            continue
        yield from at(("hosts", number), names.domain(host))
        if resolution != _DYNAMIC:
            yield from (warning(each.text, "hosts", number) for each in names.partial_wildcard(host))


def _addresses(spec: Json, resolution: str) -> Problems:
    addresses = spec.get("addresses") or ()
    for number, address in enumerate(addresses):
        yield from at(("addresses", number), names.subnet(address))
    if any("/" in address for address in addresses) and resolution not in ("NONE", "STATIC"):
        yield error("CIDR addresses are allowed only for NONE/STATIC resolution types", "addresses")


def _ports(resource: Resource, resolution: str) -> Problems:
    seen_names: set[str] = set()
    seen_numbers: set[int] = set()
    allocated = resolution != "NONE" and resource.labels.get(_ALLOCATE, "").lower() != "false"
    for number, port in enumerate(resource.spec.get("ports") or ()):
        name, value = port.get("name") or "", port.get("number") or 0
        if name in seen_names:
            yield error(f"service entry port name {quote(name)} already defined", "ports", number, "name")
        if value in seen_numbers:
            yield error(f"service entry port {value} already defined", "ports", number, "number")
        seen_names.add(name)
        seen_numbers.add(value)
        if port.get("targetPort"):
            yield from at(("ports", number, "targetPort"), names.port(port["targetPort"]))
        if not resource.spec.get("addresses") and not allocated and (port.get("protocol") or "TCP") == "TCP":
            yield warning(
                "addresses are required for ports serving TCP (or unset) protocol when IP Autoallocation is not "
                "enabled",
                "ports",
                number,
            )
        yield from at(("ports", number, "name"), names.port_name(name))
        yield from at(("ports", number, "protocol"), protocol(port.get("protocol") or ""))
        yield from at(("ports", number, "number"), names.port(value))


def _resolution(resource: Resource, resolution: str) -> Problems:
    spec = resource.spec
    ports = frozenset(port.get("name") or "" for port in spec.get("ports") or ())
    endpoints = spec.get("endpoints") or ()
    match resolution:
        case "NONE":
            if endpoints:
                yield error("no endpoints should be provided for resolution type none", "endpoints")
            if spec.get("workloadSelector") is not None:
                yield warning("workloadSelector should not be set when resolution mode is NONE", "workloadSelector")
        case "STATIC":
            for number, endpoint in enumerate(endpoints):
                yield from at(("endpoints", number), workload_entry(endpoint, ports, allow_names=False))
        case "DNS" | "DNS_ROUND_ROBIN":
            yield from _by_name(spec, resolution, ports)
        case "DYNAMIC_DNS":
            yield from _dynamic(resource)


def _by_name(spec: Json, resolution: str, ports: AbstractSet[str]) -> Problems:
    endpoints = spec.get("endpoints") or ()
    if not endpoints:
        first = next(filter(None, (_unresolvable(host, resolution) for host in spec.get("hosts") or ())), None)
        yield from (first,) if first else ()
    if resolution == "DNS_ROUND_ROBIN" and len(endpoints) > 1:
        yield error(f"there must only be 0 or 1 endpoint for resolution mode {resolution}", "endpoints")
    for number, endpoint in enumerate(endpoints):
        address = endpoint.get("address") or ""
        if not is_address(address) and names.domain_problem(address, wildcard=False):
            text = f"endpoint address {quote(address)} is not a valid FQDN or an IP address"
            yield error(text, "endpoints", number, "address")
        yield from at(("endpoints", number, "labels"), names.labels(endpoint.get("labels")))
        yield from at(("endpoints", number), endpoint_ports(endpoint.get("ports") or {}, ports))
    tcp = any(is_tcp(port.get("protocol") or "") for port in spec.get("ports") or ())
    if spec.get("addresses") and tcp and len(spec.get("hosts") or ()) > 1:
        text = "service entry can not have more than one host specified simultaneously with address and tcp port"
        yield warning(text, "hosts")


def _unresolvable(host: str, resolution: str) -> Problem | None:
    problem = names.domain_problem(host, wildcard=False)
    if not problem:
        return None
    return error(
        "hosts must be FQDN or contain only prefix wildcards if no endpoints are provided for resolution mode "
        f"{resolution}, {problem}",
        "hosts",
    )


def _dynamic(resource: Resource) -> Problems:
    spec = resource.spec
    if not spec.get("hosts"):
        yield error(f"at least one wildcard host must be provided for resolution type {_DYNAMIC}")
    for host in spec.get("hosts") or ():
        if not names.is_wildcard(host):
            yield error(f"host must be wildcarded for resolution mode {_DYNAMIC}", "hosts")
    if spec.get("addresses"):
        yield error(
            f"addresses cannot be set for resolution type {_DYNAMIC}. HTTP route domains will only be generated"
            "from the hosts field values",
            "addresses",
        )
    if spec.get("endpoints"):
        yield error(
            f"endpoints cannot be set for resolution type {_DYNAMIC}. Destination IP address determined from hosts"
            "field values",
            "endpoints",
        )
    for port in spec.get("ports") or ():
        if (port.get("protocol") or "").lower() not in _DYNAMIC_PROTOCOLS:
            text = "only HTTP, TLS, GRPC, and HTTP2 protocols are supported for resolution type"
            yield error(f"{text} {_DYNAMIC}", "ports")
    waypoint = resource.labels.get(_WAYPOINT, "")
    if spec.get("location") == "MESH_INTERNAL" and waypoint and waypoint.lower() != "none":
        text = f"location MESH_INTERNAL with resolution type {_DYNAMIC} is not supported when using waypoints"
        yield error(text, "location")


def _plain_tcp(spec: Json, resolution: str) -> Problems:
    if resolution == "NONE" or len(spec.get("hosts") or ()) < 2:
        return
    protocols = [port.get("protocol") or "" for port in spec.get("ports") or ()]
    if any(not is_http(name) and not is_tls(name) for name in protocols):
        yield error("multiple hosts provided with non-HTTP, non-TLS ports", "hosts")
