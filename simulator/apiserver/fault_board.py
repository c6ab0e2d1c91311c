"""The faults that a served cluster plays, and what they do to the answers of its parts.

The world in which a fault began is kept: a proxy that no longer hears from istiod keeps its configuration of then.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from simulator.apiserver.world import Derive, World
from simulator.faults.control_plane import deviations, disconnected
from simulator.faults.dumps import held
from simulator.faults.model import Fault, FaultKind
from simulator.faults.pods import of_pods, with_faulty_pods
from simulator.istiod.circumstances import Circumstances
from simulator.istiod.sync import Deviation
from simulator.model.proxies import ProxyId
from simulator.model.resources import Resource
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Playing:
    """A fault that is being played, and the world in which it began."""

    number: int
    fault: Fault
    since: World | None = None

    def before(self, name: ProxyId) -> Json | None:
        """Return the dump of a proxy when the fault began; None where it did not exist yet."""
        try:
            return self.since.config_dump(name) if self.since is not None else None
        except KeyError:
            return None


class FaultBoard:
    """The faults being played, oldest first. Worker threads read the tuple, so each change replaces it as a whole."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._playing = tuple(Playing(number=number, fault=fault) for number, fault in enumerate(faults, start=1))
        self._next = len(self._playing) + 1

    def begun(self, world: World) -> None:
        """Record the world in which the first faults began."""
        self._playing = tuple(
            Playing(number=each.number, fault=each.fault, since=each.since or world) for each in self._playing
        )

    def add(self, fault: Fault, world: World) -> Playing:
        """Begin to play a fault."""
        playing = Playing(number=self._next, fault=fault, since=world)
        self._next += 1
        self._playing = (*self._playing, playing)
        return playing

    def remove(self, number: int | None) -> int:
        """Stop playing a fault, or all; return how many were played."""
        kept = tuple(each for each in self._playing if number not in (None, each.number))
        count = len(self._playing) - len(kept)
        self._playing = kept
        return count

    @property
    def playing(self) -> Sequence[Playing]:
        """The faults being played."""
        return self._playing

    def faults(self, *kinds: FaultKind) -> tuple[Fault, ...]:
        """Return the faults of the given kinds; all faults without any."""
        return tuple(each.fault for each in self._playing if not kinds or each.fault.kind in kinds)

    def aimless(self, world: World) -> Sequence[tuple[Playing, str]]:
        """Return each fault with each pattern of its targets that matches the name of no pod in a world."""
        names = [f"{one.name}.{one.namespace}" for one in world.state if one.kind == "Pod"]
        return [
            (each, pattern)
            for each in self._playing
            for pattern in each.fault.target
            if pattern != "*" and not any(fnmatchcase(name, pattern) for name in names)
        ]

    def deriving(self, derive: Derive) -> Derive:
        """Wrap `derive` so that the faults of pods are applied to the world that it returns."""

        def faulty(resources: Sequence[Resource]) -> World:
            world, found = derive(resources), of_pods(self.faults())
            return derive(with_faulty_pods(resources, world.state, found)) if found else world

        return faulty

    def holder(self, world: World) -> Callable[[ProxyId], Json]:
        """Return a function from the name of an Envoy to its config dump in a world, with the faults applied."""

        def dump(name: ProxyId) -> Json:
            found = world.config_dump(name)
            for each in self._playing:
                if each.fault.hits(name):
                    found = held(found, each.before(name), each.fault)
            return found

        return dump

    def circumstances(self, name: ProxyId) -> Circumstances:
        """Return the effects of the faults on an Envoy that its admin interface shows."""
        met = [fault for fault in self.faults() if fault.hits(name)]
        rejected = [fault.types or ("LDS",) for fault in met if fault.kind is FaultKind.REJECTED]
        return Circumstances(
            connected=all(fault.kind is not FaultKind.DISCONNECTED for fault in met),
            ejected=tuple(fault.cluster or "*" for fault in met if fault.kind is FaultKind.EJECTED),
            rejected=frozenset(name for types in rejected for name in types),
        )

    def deviations(self, proxies: Iterable[ProxyId]) -> dict[tuple[ProxyId, str], Deviation]:
        """Return how the resources of proxies deviate from istiod's, by proxy and type."""
        return dict(deviations(self.faults(), proxies))

    def disconnected(self, proxies: Iterable[ProxyId]) -> frozenset[ProxyId]:
        """Return the proxies that lost their connection."""
        return disconnected(self.faults(), proxies)

    def is_down(self, istiod: ProxyId) -> bool:
        """Tell whether an istiod refuses connections."""
        return any(fault.hits(istiod) for fault in self.faults(FaultKind.ISTIOD_DOWN))

    def istiod_delay(self, istiod: ProxyId) -> float:
        """Return by how many seconds an istiod delays its answers."""
        return sum(fault.seconds for fault in self.faults(FaultKind.ISTIOD_SLOW) if fault.hits(istiod))

    @property
    def api_delay(self) -> float:
        """Seconds by which the API server delays its answers."""
        return sum(fault.seconds for fault in self.faults(FaultKind.API_SLOW))

    def tokens_expired(self) -> bool:
        """Tell whether all tokens count as expired."""
        return bool(self.faults(FaultKind.API_EXPIRED))

    def forbids(self, resource: str) -> bool:
        """Tell whether access to an API resource (`pods`, `pods/exec`) is forbidden to everyone."""
        return any(fault.concerns(resource) for fault in self.faults(FaultKind.API_FORBIDDEN))

    def truncates(self, resource: str) -> bool:
        """Tell whether replies about an API resource end in the middle."""
        return any(fault.concerns(resource) for fault in self.faults(FaultKind.API_TRUNCATED))
