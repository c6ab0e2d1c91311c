"""Values of options, read without pydantic.

Recent typer hands every value to a pydantic adapter built on the spot, which costs more than most answers. Our options
are texts, numbers, switches and lists of texts, so they are read here; whatever else a parameter is stays typer's.
"""

from dataclasses import dataclass
from typing import Any

import typer

_READ = {str: str, int: int, float: float, bool: bool, list[str]: list}


@dataclass(frozen=True, slots=True)
class PlainValue:
    """Reads the value of one parameter, in the place of typer's own reader."""

    annotation: Any
    least: float | None
    most: float | None

    def coerce(self, value: Any, *, param: Any, ctx: Any) -> Any:
        """Return the value in its type; a value of another form is wrong usage."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        try:
            read = _READ[self.annotation](value)
        except (TypeError, ValueError) as error:
            raise typer.BadParameter(f"{value!r} is not a number.", ctx=ctx, param=param) from error
        if isinstance(read, (int, float)) and not isinstance(read, bool):
            low, high = self.least, self.most
            if (low is not None and read < low) or (high is not None and read > high):
                raise typer.BadParameter(f"{read} is not in the range {low}<=x<={high}.", ctx=ctx, param=param)
        return read


def read_plainly(parameters: list[Any]) -> None:
    """Put plain readers in place where typer would build adapters; a typer that builds none is left alone."""
    for parameter in parameters:
        descriptor = getattr(parameter, "type_descriptor", None)
        if descriptor is None or not hasattr(parameter, "get_runtime_param"):
            continue
        if descriptor.annotation in _READ:
            info = descriptor.parameter_info
            plain = PlainValue(descriptor.annotation, info.min, info.max)
            parameter.get_runtime_param = lambda plain=plain: plain
