"""What an answer leaves open, said as data so that nobody has to guess it."""

from dataclasses import dataclass
from enum import StrEnum

from simulator.model.resources import ObjectRef, field_path


class CaveatKind(StrEnum):
    """Why an answer may differ from what a cluster would do."""

    INVALID = "invalid"  # istiod or its webhook refuses the resource
    UNSUPPORTED = "unsupported"  # a field that the simulator does not follow
    ORDER_DEPENDENT = "order-dependent"  # the outcome depends on an age that the manifests do not give
    INCOMPLETE = "incomplete"  # something that the answer needs is not in the manifests
    UNSEEN = "unseen"  # a cluster did not show it: not allowed, or no answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """One reservation about one resource; `path` is the field it concerns, empty for the resource as a whole."""

    kind: CaveatKind
    ref: ObjectRef
    message: str
    path: tuple[str | int, ...] = ()
    rivals: tuple[ObjectRef, ...] = ()
    """Resources of which the oldest counts, first the one that does here; of order-dependent outcomes only."""

    origin: str = ""
    """The file:line it concerns, where it was read from a file."""

    def __str__(self) -> str:
        field = field_path(self.path)
        where = f"{self.origin}: " if self.origin else ""
        return f"{where}{self.kind.value}: {self.ref}{' ' + field if field else ''}: {self.message}"
