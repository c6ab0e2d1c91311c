"""Ways to damage a document, and calls of the program as a user makes them."""

import contextlib
import copy
import io
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from kubectl_mesh.cli.app import run

VALUES = st.sampled_from(
    [None, 0, -1, 65536, 2**70, 1.5, True, "", "x", "*", "a/b", "10s", "-5s", "::::", "999.1.1.1", "http://[::1",
     "a" * 300, "\0", [], {}, [None], [{}], {"a": []}, "istio-system", "*.example.com", "%s", "istiod"]
)  # fmt: skip


def answer(*words: str) -> tuple[str, str]:
    """Make a call; return what it wrote to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        run(["kubectl-mesh", *words])
    return out.getvalue(), err.getvalue()


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every mapping or list in a document with each of its keys."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from places(node[key])


def mangle(draw: st.DrawFn, document: Any) -> None:
    """Replace, wrap or drop a few values of a document, in place."""
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(document))
        if not found:
            return
        holder, key = draw(st.sampled_from(found))
        match draw(st.sampled_from(["replace", "replace", "drop", "list", "mapping"])):
            case "replace":
                holder[key] = copy.deepcopy(draw(VALUES))
            case "drop":
                del holder[key]
            case "list":
                holder[key] = [holder[key]]
            case _:
                holder[key] = {"x": holder[key]}
