"""Which PeerAuthentication made a proxy refuse a connection? Its filter chains do not name their source.

istiod: pilot/pkg/security/authn/policy_applier.go (a workload's policy before its namespace's, that before the mesh's).
"""

from collections.abc import Iterator
from dataclasses import replace

from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, oldest_first, selector, spec
from simulator.model.labels import selects
from simulator.model.proxies import Direction
from simulator.model.resources import ObjectRef, Provenance
from simulator.model.traces import Disposition, Hop, StepKind, Trace
from simulator.model.wire import Json

_UNSET = (None, "", "UNSET")


def with_strictness(lookup: Lookup, trace: Trace) -> Trace:
    """Return a trace that names the policy where no filter chain accepts the client's plain text or TLS."""
    hop = trace.hops[-1] if trace.hops else None
    if hop is None or trace.disposition is not Disposition.TLS_MISMATCH or not _is_refused(hop):
        return trace
    pod = lookup.get("Pod", hop.proxy.namespace, hop.proxy.name)
    found = _policy(lookup, pod, _port(trace)) if pod is not None else None
    if found is None:
        return trace
    mode, policy = found
    *earlier, last = hop.steps
    steps = (*earlier, replace(last, because=f"{last.because} (mode {mode})", document=policy))
    return replace(trace, hops=(*trace.hops[:-1], replace(hop, steps=steps)))


def _is_refused(hop: Hop) -> bool:
    last = hop.steps[-1] if hop.steps else None
    refused = last is not None and last.kind is StepKind.FILTER_CHAIN and last.document is None
    return refused and hop.direction is Direction.INBOUND


def _port(trace: Trace) -> str:
    """Return the port of the pod that was dialled."""
    endpoint = trace.hops[-1].step(StepKind.ENDPOINT)
    if endpoint is not None:
        return endpoint.chosen.rpartition(":")[2]
    sent = next((hop.forwarded for hop in reversed(trace.hops) if hop.forwarded is not None), None)
    return str(sent.port) if sent is not None else str(trace.request.port)


def _policy(lookup: Lookup, pod: Json, port: str) -> tuple[str, Provenance] | None:
    """Return the mode of a port of a pod and the field that sets it; None where the default applies."""
    for policy, has_ports in _by_precedence(lookup, pod):
        ports = spec(policy).get("portLevelMtls") or {}
        ref = ObjectRef(kind="PeerAuthentication", namespace=namespace_of(policy), name=name_of(policy))
        of_port = (ports.get(port) or {}).get("mode") if has_ports else None
        if of_port not in _UNSET:
            return of_port, Provenance(ref=ref, path=("spec", "portLevelMtls", port, "mode"))
        mode = (spec(policy).get("mtls") or {}).get("mode")
        if mode not in _UNSET:
            return mode, Provenance(ref=ref, path=("spec", "mtls", "mode"))
    return None


def _by_precedence(lookup: Lookup, pod: Json) -> Iterator[tuple[Json, bool]]:
    """Yield the policies that apply, in order of precedence, and whether their settings of single ports count."""
    home, root = namespace_of(pod), lookup.root_namespace
    own = [each for each in oldest_first(lookup.all("PeerAuthentication", home)) if selector(each)]
    yield from ((each, True) for each in [each for each in own if selects(selector(each), labels(pod))][:1])
    for namespace in dict.fromkeys((home, root)):
        plain = [each for each in oldest_first(lookup.all("PeerAuthentication", namespace)) if not selector(each)]
        yield from ((each, False) for each in plain[:1])
