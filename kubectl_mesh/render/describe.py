"""A description in istioctl's words and indentation; what istioctl does not tell follows after a blank line."""

from collections.abc import Iterator

from kubectl_mesh.render.terminal import printable
from kubectl_mesh.reports.describe import (
    DescribeReport,
    DestinationRuleReport,
    PeerAuthenticationReport,
    PodReport,
    ServiceReport,
    VirtualServiceReport,
)

_LINE = "--------------------"


def render(report: DescribeReport) -> str:
    """Return the description as text."""
    return "".join(f"{printable(line)}\n" for line in _lines(report))


def _lines(report: DescribeReport) -> Iterator[str]:
    if report.pod is not None:
        yield from _pod(report.pod)
        if report.no_service:
            yield report.no_service
        yield _LINE
    yield from report.lines
    for position, service in enumerate(report.services):
        if position:
            yield _LINE
        yield from _service(service)
    if report.peer_authentication is not None:
        yield _LINE
        yield from _peer_authentication(report.peer_authentication)
    yield from report.ingress_notes
    for way in report.ingress:
        yield _LINE
        yield from way.exposed
        yield from _virtual_service(way.virtual_service, 0)
    yield from _more(report)


def _pod(pod: PodReport) -> Iterator[str]:
    yield from pod.first
    yield f"Pod: {pod.name}"
    yield f"   Pod Revision: {pod.revision}"
    yield f"   Pod Ports: {', '.join(pod.ports)}" if pod.ports else "   Pod does not expose ports"
    if pod.phase != "Running":
        yield f"   Pod is not Running ({pod.phase})"
    yield from pod.warnings


def _service(service: ServiceReport) -> Iterator[str]:
    yield f"Service: {service.name}"
    yield from (f"   {port}" for port in service.ports)
    several = len(service.by_port) > 1
    for port in service.by_port:
        if several:
            yield f"{port.port}:"
        indent = 3 if several else 0
        if port.destination_rule is not None:
            yield from _destination_rule(port.destination_rule, indent)
        if port.virtual_service is not None:
            yield from _virtual_service(port.virtual_service, indent)
        yield from port.stale
        if port.policies:
            yield f"{f'{port.port} ' if several else ''}RBAC policies: {', '.join(port.policies)}"


def _destination_rule(rule: DestinationRuleReport, indent: int) -> Iterator[str]:
    one, two = " " * (indent + 3), " " * (indent + 6)
    yield f'{" " * indent}DestinationRule: {rule.name} for "{rule.host}"'
    if rule.matching or rule.non_matching:
        if not rule.matching:
            missing = ",".join(rule.non_matching)
            yield f"{one}WARNING POD DOES NOT MATCH ANY SUBSETS.  (Non matching subsets {missing})"
        yield f"{one}Matching subsets: {','.join(rule.matching)}"
        if rule.non_matching:
            yield f"{two}(Non-matching subsets {','.join(rule.non_matching)})"
    if not rule.has_traffic_policy:
        yield f"{one}No Traffic Policy"
    if rule.tls_mode:
        yield f"{one}Traffic Policy TLS Mode: {rule.tls_mode}"
    if rule.policies:
        yield f"{one}Policies: {'/'.join(rule.policies)}"
    if rule.port_levels:
        yield f"{one}Port Level Settings:"
    for level in rule.port_levels:
        yield f"    {level.port}:"
        if level.tls_mode:
            yield f"{two}TLS Mode: {level.tls_mode}"
        if level.policies:
            yield f"{two}Policies: {'/'.join(level.policies)}"


def _virtual_service(routes: VirtualServiceReport, indent: int) -> Iterator[str]:
    one, two = " " * (indent + 3), " " * (indent + 6)
    yield f"{' ' * indent}{routes.kind}: {routes.name}"
    yield from (f"{one}{fact}" for fact in routes.facts)
    yield from (f"{one}{warning}" for warning in routes.warnings)
    yield from (f"{two}{note}" for note in routes.notes)


def _peer_authentication(accepted: PeerAuthenticationReport) -> Iterator[str]:
    yield "Effective PeerAuthentication:"
    yield f"   Workload mTLS mode: {accepted.mode}"
    if accepted.ports:
        yield "   Port Level mTLS mode:"
        yield from (f"      {port}: {mode}" for port, mode in accepted.ports)
    if accepted.applied:
        yield "Applied PeerAuthentication:"
        yield f"   {', '.join(accepted.applied)}"


def _more(report: DescribeReport) -> Iterator[str]:
    if not (report.sidecar or report.rules or report.conflicts or report.ambient or report.gateway_routes):
        return
    yield ""
    yield from report.conflicts
    yield from report.ambient
    for routes in report.gateway_routes:
        yield from _virtual_service(routes, 0)
    if report.sidecar:
        yield f"Sidecar scope: {report.sidecar}"
    if report.rules:
        yield "Authorization:"
        for rule in report.rules:
            note = f", {rule.enforced}" if rule.enforced else ""
            yield f"   {rule.action} {rule.words}  ({rule.policy}{note})"
