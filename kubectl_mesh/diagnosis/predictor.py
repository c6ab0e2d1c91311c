"""Many predictions over one mesh: its directory and the configuration of its proxies are read once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from kubectl_mesh.diagnosis.attribution import attributed
from kubectl_mesh.diagnosis.lookup import Lookup
from kubectl_mesh.diagnosis.makers import explained
from kubectl_mesh.diagnosis.mesh_directory import directory_of
from kubectl_mesh.diagnosis.prediction import configurations, ztunnel_state
from kubectl_mesh.diagnosis.senders import find_sender
from kubectl_mesh.diagnosis.trace import Locate, locator, policy_source, step_source
from kubectl_mesh.reports.trace import SourceReport
from kubectl_mesh.sources.base import Caveats, MeshSource, ResourceSource
from simulator.envoy.config import Config
from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.directory import Directory, Workload
from simulator.model.proxies import Direction, ProxyId
from simulator.model.requests import Request
from simulator.model.resources import ObjectRef
from simulator.model.traces import Hop, Step, StepKind, Trace
from simulator.model.wire import Json
from simulator.traffic.follow import follow


class Predictor:
    """Follows requests through a mesh."""

    def __init__(self, source: MeshSource) -> None:
        self.source = source
        self._config: Callable[[ProxyId], Config] = configurations(source)
        self._ztunnels = ztunnel_state(source)
        self._lookup = Lookup(source)

    @cached_property
    def directory(self) -> Directory:
        """Hosts, addresses and pods."""
        return directory_of(self.source)

    @cached_property
    def order_dependent(self) -> tuple[Caveat, ...]:
        """Reservations about resources whose effect depends on ages that the source does not know."""
        known = self.source.caveats() if isinstance(self.source, Caveats) else ()
        return tuple(each for each in known if each.kind is CaveatKind.ORDER_DEPENDENT)

    @cached_property
    def _locate(self) -> Locate:
        return locator(self.directory.origins)

    def sender(self, name: str, *, namespace: str = "") -> Workload | None:
        """Return the workload of a name; None for `outside`. Raises NothingFound and AmbiguousName."""
        return find_sender(self.directory, name, namespace=namespace)

    def trace(self, request: Request, sender: Workload | None, *, resolve: Mapping[str, str] | None = None) -> Trace:
        """Predict what becomes of a request; `resolve` is what public DNS is taken to say of hosts."""
        directory = replace(self.directory, resolve=resolve) if resolve else self.directory
        trace = follow(directory, self._config, request, sender, ztunnels=self._ztunnels)
        return explained(self._lookup, attributed(self.source, trace))

    def configuration(self, proxy: ProxyId) -> Mapping[str, Sequence[Json]]:
        """Return the listeners and routes of a proxy; from its config dump where the source has only that."""
        if isinstance(self.source, ResourceSource):
            return self.source.configuration(proxy)
        config = self._config(proxy)
        return {"listeners": tuple(config.listeners), "routes": tuple(config.routes.values())}

    def origin(self, step: Step) -> SourceReport | None:
        """Return what a decision was made from, and where that is written."""
        return step_source(step, self._locate)

    def policy(self, name: str) -> SourceReport | None:
        """Return the authorization rule that istiod's name for it stands for, and where that is written."""
        return policy_source(name, self._locate)

    def position(self, ref: ObjectRef, path: tuple[str | int, ...] = ()) -> str:
        """Return `file:line` of a field of a resource; empty where the source knows none."""
        return self._locate(ref, path)


def deciding_hop(trace: Trace) -> Hop | None:
    """Return the hop that chose the destination: the last that sends, not the destination's own proxy.

    A ztunnel that sends to a waypoint has not chosen yet.
    """
    sending = [hop for hop in trace.hops if hop.direction is Direction.OUTBOUND and not hop.step(StepKind.WAYPOINT)]
    routing = [hop for hop in trace.hops if hop.step(StepKind.ROUTE)]
    return next(reversed(sending or routing), None)
