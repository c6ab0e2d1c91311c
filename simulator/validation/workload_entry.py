"""Rules of a WorkloadEntry and of a WorkloadGroup. istio: pkg/config/validation/validation.go."""

import re
from collections.abc import Set as AbstractSet

from simulator.model.addresses import is_address
from simulator.model.go_text import quote
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation import names
from simulator.validation.problems import Problems, at, error, joined, warning

_PROBE_HEADER = re.compile(r"[-A-Za-z0-9]+\Z")
_COUNTS = ("periodSeconds", "initialDelaySeconds", "timeoutSeconds", "successThreshold", "failureThreshold")


def validate(resource: Resource) -> Problems:
    """Check a WorkloadEntry."""
    yield from at(("spec",), workload_entry(resource.spec, None, allow_names=True))


def workload_entry(entry: Json, service_ports: AbstractSet[str] | None, *, allow_names: bool) -> Problems:
    """Check an endpoint; `service_ports` are the names of the ports of its ServiceEntry."""
    address, ports = entry.get("address") or "", entry.get("ports") or {}
    if not address:
        if not entry.get("network"):
            yield error("address is required")
            return
        yield warning(f"address is unset with network {quote(entry['network'])}", "network")
    is_unix = address.startswith(names.UNIX)
    if is_unix:
        yield from at(("address",), names.unix_path(address.removeprefix(names.UNIX)))
        if ports:
            yield error(f"unix endpoint {address} must not include ports", "ports")
    elif address and not is_address(address):
        if not allow_names:
            yield error(f"endpoint address {quote(address)} is not a valid IP address", "address")
        elif names.domain_problem(address, wildcard=False):
            yield error(f"endpoint address {quote(address)} is not a valid FQDN or an IP address", "address")
    yield from endpoint_ports(ports, service_ports)
    yield from at(("labels",), names.labels(entry.get("labels")))
    if is_unix and service_ports is not None and len(service_ports) != 1:
        yield error("exactly 1 service port required for unix endpoints", "address")


def endpoint_ports(ports: Json, service_ports: AbstractSet[str] | None) -> Problems:
    """Check an endpoint's ports by name."""
    for name, number in ports.items():
        if service_ports is not None and name not in service_ports:
            yield error(f"endpoint port {number} is not defined by the service entry", "ports", name)
        yield from at(("ports", name), names.port_name(name))
        yield from at(("ports", name), names.port(number))


def validate_group(resource: Resource) -> Problems:
    """Check a WorkloadGroup."""
    spec = resource.spec
    if spec.get("template") is None:
        yield error("template is required", "spec")
        return
    found = list(names.labels((spec.get("metadata") or {}).get("labels")))
    if found:
        yield error(f"invalid labels: {joined(found)}", "spec", "metadata", "labels")
        return
    if spec.get("probe") is not None:
        yield from at(("spec", "probe"), _probe(spec["probe"]))


def _probe(probe: Json) -> Problems:
    for field in _COUNTS:
        if (probe.get(field) or 0) < 0:
            yield error(f"{field} must be non-negative", field)
    if probe.get("httpGet") is not None:
        http = probe["httpGet"]
        yield from at(("httpGet", "port"), names.port(http.get("port") or 0))
        if http.get("scheme") not in (None, "", "HTTPS", "HTTP"):
            yield error('httpGet.scheme must be one of "HTTPS", "HTTP"', "httpGet", "scheme")
        for number, header in enumerate(http.get("httpHeaders") or ()):
            yield from at(("httpGet", "httpHeaders", number), _probe_header(header.get("name") or ""))
    elif probe.get("tcpSocket") is not None:
        yield from at(("tcpSocket", "port"), names.port(probe["tcpSocket"].get("port") or 0))
    elif probe.get("exec") is not None:
        if not probe["exec"].get("command"):
            yield error("exec.command is required", "exec")
    elif probe.get("grpc") is not None:
        yield error("unknown health check method *v1alpha3.ReadinessProbe_Grpc", "grpc")
    else:
        yield error("unknown health check method <nil>")


def _probe_header(name: str) -> Problems:
    if not name:
        yield error("header name cannot be empty")
    elif not _PROBE_HEADER.match(name):
        yield error(f"header name {name} is not a valid header name")
