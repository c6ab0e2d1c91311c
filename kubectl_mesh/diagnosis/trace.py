"""Where does a request go, and why?

The engine predicts; here each of its decisions gets the resource and the line from which it was made.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlunsplit

from kubectl_mesh.reports.trace import (
    ForwardedReport,
    HopReport,
    RejectedReport,
    RequestReport,
    ShareReport,
    SourceReport,
    StepReport,
    TraceReport,
    VerdictReport,
)
from simulator.model.directory import Directory
from simulator.model.requests import Request, Tls, Wire
from simulator.model.resources import ObjectRef, Origin, Provenance, field_path
from simulator.model.traces import Disposition, Forwarded, Hop, Share, Step, StepKind, Trace, Verdict
from simulator.model.wire import Sourced

Locate = Callable[[ObjectRef, tuple[str | int, ...]], str]
_POLICY = re.compile(r"ns\[(.+)\]-policy\[(.+)\]-rule\[(.+)\]")
_CONVERTED = "converted_peer_authentication_"
_TUNNEL_POLICY = re.compile(rf"([a-z0-9.-]+)/({_CONVERTED})?([a-z0-9.-]+)")
_STATIC_STRICT = "istio_converted_static_strict"
"""The policy with which ztunnels refuse plain text, where the PeerAuthentication of a namespace or mesh is STRICT."""
_KINDS = {
    "virtual-service": "VirtualService",
    "destination-rule": "DestinationRule",
    "gateway": "Gateway",
    "service-entry": "ServiceEntry",
    "sidecar": "Sidecar",
    "http-route": "HTTPRoute",
    "grpc-route": "GRPCRoute",
    "tcp-route": "TCPRoute",
    "tls-route": "TLSRoute",
}


def report(trace: Trace, *, directory: Directory, url: str, from_: str) -> TraceReport:
    """Turn a prediction into a report; `url` and `from_` are what the user wrote."""
    locate = locator(directory.origins)
    return TraceReport(
        request=_request(trace.request, url=url, from_=from_),
        verdict=_verdict(trace.verdict, trace.disposition),
        source=trace.source,
        destination=trace.destination,
        steps=_steps(trace.steps, locate),
        hops=tuple(_hop(hop, directory=directory, locate=locate) for hop in trace.hops),
        arrival=_steps(trace.arrival, locate),
        notes=trace.notes,
    )


def locator(origins: Mapping[ObjectRef, Origin]) -> Locate:
    """Return a function that finds the file and line of a field of a resource; empty where the source knows none."""

    def locate(ref: ObjectRef, path: tuple[str | int, ...]) -> str:
        origin = origins.get(ref)
        if origin is None:
            return ""
        if not path or not origin.line:
            return str(origin)
        from simulator.manifests.positions import line_of

        return f"{origin.source}:{line_of(origin, path)}"

    return locate


def _request(request: Request, *, url: str, from_: str) -> RequestReport:
    return RequestReport(
        method=request.method if request.is_http else request.wire.value,
        url=url,
        from_=from_,
        headers=request.headers,
        tls=request.tls.value,
        sni=request.sni,
        source_ip=request.source_ip,
        random=request.random,
    )


def _verdict(verdict: Verdict, disposition: Disposition) -> VerdictReport:
    return VerdictReport(
        disposition=disposition.value,
        meaning=disposition.meaning,
        delivered=disposition.is_delivered,
        status=verdict.status,
        details=verdict.details,
        flags=verdict.flags,
        location=verdict.location,
        body=verdict.body,
    )


def _hop(hop: Hop, *, directory: Directory, locate: Locate) -> HopReport:
    return HopReport(
        proxy=str(hop.proxy),
        direction=hop.direction.value,
        steps=_steps(hop.steps, locate),
        verdict=_verdict(hop.verdict, hop.verdict.disposition),
        forwarded=_forwarded(hop.forwarded, directory) if hop.forwarded is not None else None,
        notes=hop.notes,
    )


def _forwarded(forwarded: Forwarded, directory: Directory) -> ForwardedReport:
    workload = directory.workload_at(forwarded.address) if forwarded.address else None
    request = forwarded.request
    return ForwardedReport(
        cluster=forwarded.cluster,
        shares=_shares(forwarded.shares),
        address=forwarded.address,
        port=forwarded.port,
        workload=workload.id if workload is not None else "",
        tls=forwarded.tls.value,
        client_tls=_own_tls(forwarded).value,
        tunnel=forwarded.tunnel,
        via=forwarded.via,
        mirrors=_shares(forwarded.mirrors),
        alternatives=forwarded.alternatives,
        method=request.method if request.is_http else "",
        authority=request.host_header if request.is_http else "",
        target=request.target if request.is_http else "",
    )


def _own_tls(forwarded: Forwarded) -> Tls:
    """Return the TLS of the client itself, whether it is passed through or carried inside the proxy's."""
    inner = forwarded.request.inner
    if inner is not None:
        return inner.tls
    return forwarded.request.tls if forwarded.tls is Tls.NONE else Tls.NONE


def _shares(shares: Iterable[Share]) -> tuple[ShareReport, ...]:
    return tuple(ShareReport(cluster=share.cluster, percent=share.percent) for share in shares)


def _steps(steps: Iterable[Step], locate: Locate) -> tuple[StepReport, ...]:
    return tuple(
        StepReport(
            kind=step.kind.value,
            chosen=step.chosen,
            because=step.because,
            index=step.index,
            rejected=tuple(RejectedReport(name=each.name, because=each.because) for each in step.rejected),
            details=step.details,
            source=step_source(step, locate),
        )
        for step in steps
    )


def step_source(step: Step, locate: Locate) -> SourceReport | None:
    """Return the source of a step; for an authorization rule it is read from the name that istiod gives it."""
    policy = str(step.details.get("policy", "")) if step.kind is StepKind.RBAC else ""
    return policy_source(policy, locate) or source_of(step.document, locate)


def policy_source(name: str, locate: Locate) -> SourceReport | None:
    """Return the rule or policy behind istiod's name for it in a proxy or a ztunnel; None for other names."""
    if named := _POLICY.search(name):
        ref = ObjectRef(kind="AuthorizationPolicy", namespace=named[1], name=named[2])
        path: tuple[str | int, ...] = ("spec", "rules", int(named[3])) if named[3].isdigit() else ()
        return _located(ref, path, locate)
    if named := _TUNNEL_POLICY.fullmatch(name):
        kind = "PeerAuthentication" if named[2] else "AuthorizationPolicy"
        return _located(ObjectRef(kind=kind, namespace=named[1], name=named[3]), (), locate)
    return None


def refuses_plain_text(step: Step) -> bool:
    """Tell whether a step was decided by a policy that istiod derives for ztunnels from a PeerAuthentication."""
    name = str(step.details.get("policy", "")).rpartition("/")[2]
    made = name == _STATIC_STRICT or name.startswith(_CONVERTED)
    return made and step.details.get("allowed") is False


def source_of(document: Any, locate: Locate) -> SourceReport | None:
    """Return the source of an Envoy resource: its provenance, or else the resource in its Istio metadata."""
    source = document.source if isinstance(document, Sourced) else document
    if isinstance(source, Provenance):
        return _located(source.ref, source.path, locate)
    if isinstance(source, ObjectRef):
        return _located(source, (), locate)
    metadata = document.get("metadata") if isinstance(document, dict) else None
    ref = reference(metadata)
    return _located(ref, (), locate) if ref is not None else None


def reference(metadata: Any) -> ObjectRef | None:
    """Read the resource that Envoy metadata points to: `/apis/GROUP/VERSION/namespaces/NS/KIND/NAME`."""
    fields = ((metadata or {}).get("filter_metadata") or {}).get("istio") or {}
    parts = str(fields.get("config", "")).split("/")
    if len(parts) != 8 or parts[1] != "apis":
        return None
    kind = _KINDS.get(parts[6], "".join(word.capitalize() for word in parts[6].split("-")))
    return ObjectRef(kind=kind, namespace=parts[5], name=parts[7])


def _located(ref: ObjectRef, path: tuple[str | int, ...], locate: Locate) -> SourceReport:
    return SourceReport(resource=str(ref), field=field_path(path), position=locate(ref, path))


def written(request: Request) -> str:
    """Return a request as a URL."""
    scheme = "tcp" if request.wire is Wire.OPAQUE else request.scheme
    path, _, query = request.target.partition("?")
    return urlunsplit((scheme, f"{request.host}:{request.port}", path, query, ""))
