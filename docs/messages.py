"""The page about the findings of `analyze`, from the catalogue."""

from kubectl_mesh.analysis.messages import Message, catalogue

_HEAD = """\
# Findings of `kubectl mesh analyze`

Written by `python -m docs` from `kubectl_mesh/analysis/messages.yaml`. Codes that begin with IST are istioctl's, with
its levels and texts; the others are this program's own. `%s`, `%v`, `%q` and `%d` stand for the arguments, in their
order.
"""


def page() -> str:
    """Return the page as Markdown."""
    messages = sorted(catalogue().values(), key=lambda each: (not each.code.startswith("IST"), each.code))
    index = "".join(f"| [{each.code}](#{each.code.lower()}) | {each.level} | {each.name} |\n" for each in messages)
    table = f"| Code | Level | Name |\n| --- | --- | --- |\n{index}"
    sections = "\n".join(map(_section, messages))
    return f"{_HEAD}\n{table}\n{sections}"


def _section(message: Message) -> str:
    arguments = f"Arguments: {', '.join(message.arguments)}\n\n" if message.arguments else ""
    link = f"[istio.io]({message.documentation.partition('?')[0]})\n" if message.documentation else ""
    return (
        f"## {message.code}\n\n{message.level}: {message.name}\n\n    {message.template}\n\n"
        f"{arguments}{message.summary}\n\nWhat to do: {message.fix}\n" + (f"\n{link}" if link else "")
    )
