"""Whether a request is allowed, in a few lines: the verdict, the rule, and what else was tried."""

from kubectl_mesh.render.color import Palette
from kubectl_mesh.render.terminal import printable
from kubectl_mesh.reports.security import Permission


def render(found: Permission, *, palette: Palette) -> str:
    """Return the answer as text."""
    word = palette("green", "ALLOWED") if found.allowed else palette("red", "DENIED")
    lines = [f"{word}  {found.method} {found.path} from {found.from_} to {found.to}", f"  because {found.because}"]
    if found.rule is not None:
        field = f" {found.rule.field}" if found.rule.field else ""
        lines.append(f"  {found.rule.resource}{field}  {found.rule.position}".rstrip())
    lines.append(f"  the client is {found.identity or 'unknown: no certificate reaches the server'}")
    lines += [f"  not {each.name}: {each.because}" for each in found.tried]
    return "".join(f"{line if line.startswith(word) else printable(line)}\n" for line in lines)
