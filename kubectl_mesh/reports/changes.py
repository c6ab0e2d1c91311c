"""What a change does to a mesh: which Envoy resources differ, on which proxies, and which requests end differently."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

PORT_OF_THE_POD = "port_of_the_pod"
"""The effect that tells at which port a request arrives."""


class Action(StrEnum):
    """What happened to something between before and after."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field of an Envoy resource. `before` or `after` is None where the field is absent."""

    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """One change of one Envoy resource, and every proxy it happens on."""

    kind: str
    """`listener`, `route`, `cluster`, `endpoint`, `extension` or `names`."""
    name: str
    action: Action
    fields: tuple[FieldChange, ...] = ()
    proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a request ends on one side of the change."""

    disposition: str
    status: int | None = None
    destination: str = ""
    """The service, subset and port that get the request, or where it is redirected to."""
    shares: tuple[tuple[str, float], ...] = ()
    """Destination → percent, where there are several; adds up to 100."""
    because: str = ""
    """The object and line that decided, for a reader; not part of the comparison."""
    effects: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What the route adds: timeout, retries, rewrite, fault, headers, mTLS."""

    def differs(self, other: "Ending") -> bool:
        """Tell whether a caller or an operator would notice."""
        return not self.ends_like(other) or dict(self.effects) != dict(other.effects)

    def ends_like(self, other: "Ending") -> bool:
        """Tell whether a request ends in the same way at the same place, however it is handled before."""
        mine, theirs = (
            (e.disposition, e.status, e.destination, e.shares, e.effects.get(PORT_OF_THE_POD)) for e in (self, other)
        )
        return mine == theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestChange:
    """One kind of request that ends differently, and every workload for which it does."""

    request: str
    """An example: method, URL and headers."""
    sources: tuple[str, ...]
    before: Ending
    after: Ending
    others: tuple[str, ...] = ()
    """More requests to the same host that end in the same two ways."""
    listed: bool = False
    """The user asked for this request; it is reported even when it ends as before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The difference of two meshes."""

    resources: tuple[ResourceChange, ...] = ()
    requests: tuple[RequestChange, ...] = ()
    proxies_added: tuple[str, ...] = ()
    proxies_removed: tuple[str, ...] = ()
    proxies_changed: tuple[str, ...] = ()
    proxies_total: int = 0
    requests_examined: int = 0
    notes: tuple[str, ...] = ()
    """What was not examined, and why."""

    @property
    def empty(self) -> bool:
        """Nothing differs."""
        differing = any(change.before.differs(change.after) for change in self.requests)
        return not (self.resources or differing or self.proxies_added or self.proxies_removed)
