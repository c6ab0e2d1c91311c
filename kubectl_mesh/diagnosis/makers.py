"""Which resource is behind a decision whose Envoy resource does not tell what it was made from.

A filter chain knows no PeerAuthentication (see `strictness`), a virtual host that requires TLS no Gateway.
istiod: pilot/pkg/networking/core/gateway.go (names of virtual hosts, `httpsRedirect`).
"""

from collections.abc import Iterator
from dataclasses import replace

from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, oldest_first, spec
from kubectl_mesh.diagnosis.strictness import with_strictness
from simulator.model.labels import selects
from simulator.model.resources import ObjectRef, Provenance
from simulator.model.traces import Hop, StepKind, Trace
from simulator.model.wire import Json


def explained(lookup: Lookup, trace: Trace) -> Trace:
    """Return a trace whose last decision names the resource behind it, as far as the mesh's resources tell."""
    return _with_redirecting_server(lookup, with_strictness(lookup, trace))


def _with_redirecting_server(lookup: Lookup, trace: Trace) -> Trace:
    hop = trace.hops[-1] if trace.hops else None
    route, block = (hop.step(kind) if hop else None for kind in (StepKind.ROUTE, StepKind.VIRTUAL_HOST))
    if hop is None or route is None or block is None or route.document is not block.document:
        return trace  # only a redirect to HTTPS is decided by the virtual host itself
    # virtual hosts that are alike are merged under the name of the first, so only its port tells of the server
    port = block.chosen.rpartition(":")[2]
    found = next(_redirecting(lookup, hop, host=trace.request.host_header, port=port), None)
    if found is None:
        return trace
    steps = tuple(replace(step, document=found) if step is route else step for step in hop.steps)
    return replace(trace, hops=(*trace.hops[:-1], replace(hop, steps=steps)))


def _redirecting(lookup: Lookup, hop: Hop, *, host: str, port: str) -> Iterator[Provenance]:
    """Yield the servers of a gateway's port that redirect to HTTPS; the closest to the host is first."""
    pod = lookup.get("Pod", hop.proxy.namespace, hop.proxy.name)
    if pod is None:
        return
    found = [
        (_closeness(server, host), Provenance(ref=ref, path=("spec", "servers", index, "tls", "httpsRedirect")))
        for gateway in oldest_first(lookup.all("Gateway"))
        if selects(spec(gateway).get("selector") or {}, labels(pod))
        for ref in [ObjectRef(kind="Gateway", namespace=namespace_of(gateway), name=name_of(gateway))]
        for index, server in enumerate(spec(gateway).get("servers") or ())
        if (server.get("tls") or {}).get("httpsRedirect") and str((server.get("port") or {}).get("number")) == port
    ]
    yield from (source for _, source in sorted(found, key=lambda pair: -pair[0]))


def _closeness(server: Json, host: str) -> int:
    """Return how much of a host a server names; -1 where it is for others."""
    name = host.lower().partition(":")[0]
    named = [str(each).rpartition("/")[2] for each in server.get("hosts") or ()]
    fitting = [each for each in named if name == each or (each.startswith("*") and name.endswith(each[1:]))]
    return max(map(len, fitting), default=-1)
