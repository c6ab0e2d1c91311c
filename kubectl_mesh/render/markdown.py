"""Remarks as a Markdown table, for comments on pull requests and for job summaries."""

import re
from collections.abc import Sequence

from kubectl_mesh.reports.annotated import Remark, Severity

_SIGNS = {Severity.ERROR: "🔴 Error", Severity.WARNING: "🟡 Warning", Severity.NOTE: "🔵 Info"}


def render(remarks: Sequence[Remark], *, title: str, footer: str = "") -> str:
    """Return a heading, a table of the remarks, and a last line."""
    lines = [f"### {title}", ""]
    if remarks:
        with_change = any(remark.change for remark in remarks)
        heads = (["Change"] if with_change else []) + ["Level", "Code", "Object", "Where", "Message"]
        lines += [_row(heads), _row(["---"] * len(heads))]
        lines += [_row(_cells(remark, with_change=with_change)) for remark in remarks]
        lines.append("")
    if footer:
        lines += [_escaped(footer), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _cells(remark: Remark, *, with_change: bool) -> list[str]:
    place = remark.place
    where = f"{place.file}:{place.line}" if place.line else place.file
    code = f"[{remark.rule.id}]({remark.rule.url})" if remark.rule.url else remark.rule.id
    cells = [_SIGNS[remark.severity], code, _escaped(remark.subject), _code(where), _escaped(remark.message)]
    return [remark.change, *cells] if with_change else cells


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Keep names and messages from being markup: anybody who may create resources writes them."""
    flat = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#@])", r"\\\1", flat)


def _code(text: str) -> str:
    return f"`{re.sub('[`|]', '', text)}`" if text else ""
