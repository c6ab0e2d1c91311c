"""Which field of which resource was a route made from, in a mesh that has Envoy's documents but not their sources?

A route in a dump names its VirtualService at most. The generator's route at the same place of the same proxy knows the
field it was made from; where the two are equal, or match the same requests for the same resource, that field is named.
Any other route keeps what its own document says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kubectl_mesh.sources.base import Expecting, MeshSource
from simulator.model.traces import Hop, Step, StepKind, Trace
from simulator.model.wire import Json, Sourced

_ROUTE = "envoy.config.route.v3.Route"
_IDENTITY = ("name", "match", "metadata")
"""Fields of a route that identify its rule, whatever the rule does with the request."""


def attributed(source: MeshSource, trace: Trace) -> Trace:
    """Return a trace whose routes name the field they were made from, as far as the source can tell."""
    if not isinstance(source, Expecting):
        return trace
    return replace(trace, hops=tuple(_hop(source, hop) for hop in trace.hops))


def _hop(source: Expecting, hop: Hop) -> Hop:
    route = hop.step(StepKind.ROUTE)
    if route is None or not isinstance(route.document, dict):
        return hop
    configuration, virtual_host = (
        _name(hop.step(kind)) for kind in (StepKind.ROUTE_CONFIGURATION, StepKind.VIRTUAL_HOST)
    )
    routes = _routes(source.expected(hop.proxy), configuration, virtual_host)
    document = _with_source(route.document, routes)
    steps = tuple(replace(step, document=document) if step is route else step for step in hop.steps)
    return replace(hop, steps=steps)


def _name(step: Step | None) -> str:
    return step.chosen if step is not None else ""


def _with_source(route: Json, expected: Sequence[Json]) -> Json:
    """Return a route with the source of the first expected one that is equal, else of the first of the same rule."""
    from simulator.envoy.normalize import canonical_text

    def texts(document: Json) -> tuple[str, str]:
        identity = {key: document[key] for key in _IDENTITY if key in document}
        return canonical_text(document, _ROUTE), canonical_text(identity, _ROUTE)

    own = texts(route)
    known = [(each.source, texts(each)) for each in expected if isinstance(each, Sourced)]
    for position in range(len(own)):
        for source, text in known:
            if text[position] == own[position]:
                return Sourced(route, source)
    return route


def _routes(resources: Mapping[str, Sequence[Json]], configuration: str, virtual_host: str) -> Sequence[Json]:
    """Return the routes of a virtual host, in a route configuration of its own or within a listener."""
    for found in (*resources.get("routes", ()), *_inline(resources.get("listeners", ()))):
        if found.get("name") == configuration:
            for host in found.get("virtual_hosts", ()):
                if host.get("name") == virtual_host:
                    return list(host.get("routes", ()))
    return ()


def _inline(node: Any) -> Iterator[Json]:
    """Yield the route configurations that are part of listeners."""
    if isinstance(node, dict):
        if isinstance(node.get("route_config"), dict):
            yield node["route_config"]
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for each in node:
            yield from _inline(each)
