"""One fault: what goes wrong, where, and how exactly; its form in files is one flat object.

faults:
  - {fault: rejected, target: ["web-*.shop"], types: [LDS], message: "no such filter"}
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType

from simulator.model.wire import Json


class FaultKind(StrEnum):
    """What goes wrong; the value is its name in files and commands."""

    STALE = "stale"
    NOT_SENT = "not-sent"
    REJECTED = "rejected"
    DRIFTED = "drifted"
    DISCONNECTED = "disconnected"
    OLD_VERSION = "old-version"
    UNREADY = "unready"
    EJECTED = "ejected"
    ISTIOD_DOWN = "istiod-down"
    ISTIOD_SLOW = "istiod-slow"
    API_SLOW = "api-slow"
    API_FORBIDDEN = "api-forbidden"
    API_EXPIRED = "api-expired"
    API_TRUNCATED = "api-truncated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a kind of fault means, and which fields it needs and may have besides."""

    meaning: str
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


def _rule(meaning: str, *, required: Iterable[str] = (), optional: Iterable[str] = ()) -> Rule:
    return Rule(meaning=meaning, required=frozenset(required), optional=frozenset(optional))


RULES: Mapping[FaultKind, Rule] = MappingProxyType(
    {
        FaultKind.STALE: _rule("was sent what it does not acknowledge, and holds what it held", optional=("types",)),
        FaultKind.NOT_SENT: _rule("was never sent these types", required=("types",)),
        FaultKind.REJECTED: _rule("refuses what it is sent, saying why", required=("message",), optional=("types",)),
        FaultKind.DRIFTED: _rule(
            "holds one Envoy resource differently (merge), or lacks it, though it acknowledged it",
            required=("types", "resource"),
            optional=("merge",),
        ),
        FaultKind.DISCONNECTED: _rule("lost its connection to istiod, and holds what it held"),
        FaultKind.OLD_VERSION: _rule("runs another version of Istio", required=("version",)),
        FaultKind.UNREADY: _rule("fails its readiness probe: these are pods, with a proxy or without"),
        FaultKind.EJECTED: _rule("ejects all endpoints of clusters after errors", optional=("cluster",)),
        FaultKind.ISTIOD_DOWN: _rule("refuses connections: these are pods of istiod"),
        FaultKind.ISTIOD_SLOW: _rule("answers late: these are pods of istiod", required=("seconds",)),
        FaultKind.API_SLOW: _rule("the API server answers late", required=("seconds",)),
        FaultKind.API_FORBIDDEN: _rule(
            "nobody may read or write some resources (pods, pods/portforward)", required=("resources",)
        ),
        FaultKind.API_EXPIRED: _rule("every token has expired"),
        FaultKind.API_TRUNCATED: _rule("the API server's replies end in the middle", optional=("resources",)),
    }
)
API_KINDS = frozenset({FaultKind.API_SLOW, FaultKind.API_FORBIDDEN, FaultKind.API_EXPIRED, FaultKind.API_TRUNCATED})
"""Faults of the API server: they have no target."""
EVERY = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `target` has patterns over NAME.NAMESPACE of proxies or pods."""

    kind: FaultKind
    target: tuple[str, ...] = EVERY
    types: tuple[str, ...] = ()
    """Short names of xDS types, `CDS`; empty for all that a proxy watches."""
    message: str = ""
    resource: str = ""
    merge: Json = field(default_factory=dict)
    version: str = ""
    seconds: float = 0.0
    cluster: str = ""
    resources: tuple[str, ...] = ()

    def hits(self, name: object) -> bool:
        """Tell whether the fault is that of a proxy or pod, named `name.namespace`."""
        return any(fnmatchcase(str(name), pattern) for pattern in self.target)

    def concerns(self, resource: str) -> bool:
        """Tell whether the fault is that of an API resource (`pods`, `pods/portforward`)."""
        return not self.resources or any(resource in _plurals(each) for each in self.resources)

    def document(self) -> Json:
        """Return the fault as files have it."""
        found: Json = {"fault": self.kind.value}
        if self.kind not in API_KINDS:
            found["target"] = list(self.target)
        for name in ("types", "message", "resource", "merge", "version", "seconds", "cluster", "resources"):
            value = getattr(self, name)
            if value:
                found[name] = list(value) if isinstance(value, tuple) else value
        return found


def _plurals(name: str) -> tuple[str, ...]:
    """Return the plurals that a kind or resource may mean: `VirtualService` is `virtualservices`."""
    word = name.lower()
    return word, f"{word}s", f"{word}es", f"{word.removesuffix('y')}ies"
