"""Suggestions for names that do not exist."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

SHORT_KINDS = {"deployment": "deploy", "statefulset": "sts", "daemonset": "ds", "cronjob": "cronjob", "job": "job"}
"""Kind of a workload in lower case → its form on a command line."""
_LISTED = 6
_CUTOFF = 0.6

Known = tuple[str, str]
"""(namespace, name in the form of the command line: `deploy/web`, or the name of a pod)."""


def suggest(name: str, namespace: str, *, workloads: Sequence[Known], others: Iterable[Known] = ()) -> str:
    """Return similar names; where there are none, the namespaces or the workloads to choose from.

    `others` are further candidates for similar names, too many to list.
    """
    known = list(dict.fromkeys([*workloads, *others]))
    homes = sorted({home for home, _ in known})
    if not known:
        return ""
    if namespace and namespace not in homes:
        close = get_close_matches(namespace, homes, n=1, cutoff=_CUTOFF)
        return f"did you mean namespace {close[0]}?" if close else f"namespaces are {listed(homes)}"
    here = [(home, typed) for home, typed in known if namespace in ("", home)]
    close = get_close_matches(name, list(dict.fromkeys(map(_bare, here))), n=3, cutoff=_CUTOFF)
    meant = [_typed(each, namespace) for word in close for each in here if _bare(each) == word][:3]
    if meant:
        return f"did you mean {' or '.join(meant)}?"
    choices = [_typed(each, namespace) for each in dict.fromkeys(workloads) if namespace in ("", each[0])]
    return f"there {'is' if len(choices) == 1 else 'are'} {listed(choices)}" if choices else ""


def listed(names: Sequence[str]) -> str:
    """Return the first few of the names, and the number of the others, as text."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{', '.join(names[:_LISTED])}{more}"


def _bare(known: Known) -> str:
    return known[1].rpartition("/")[2]


def _typed(known: Known, namespace: str) -> str:
    return known[1] if namespace else "/".join(known)
