"""A finding: a message code, the resource it is about, and the field that shows it."""

from dataclasses import dataclass
from typing import Any

from simulator.model.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing an analyzer found. The texts come from the catalogue, by `code`.

    `arguments` fill the message's template, in its order. `resource` is None for findings about the mesh as a whole.
    """

    code: str
    resource: Resource | None
    arguments: tuple[Any, ...] = ()
    path: tuple[str | int, ...] = ()
    """The field at fault, for its line."""
    witness: str = ""
    """An example that shows the effect, such as a request that meets it."""
    related: tuple[Resource, ...] = ()
    """Other resources that take part, such as the other half of a conflict."""
