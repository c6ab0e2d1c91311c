"""What was probably meant by a name that nothing has."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

SHORT_KINDS = {"deployment": "deploy", "statefulset": "sts", "daemonset": "ds", "cronjob": "cronjob", "job": "job"}
"""How the kinds of workloads are written on a command line, by kind in lower case."""
_LISTED = 6
_CUTOFF = 0.6

Known = tuple[str, str]
"""A namespace, and a name as it is typed there: `deploy/web`, or a pod's."""


def suggest(name: str, namespace: str, *, workloads: Sequence[Known], others: Iterable[Known] = ()) -> str:
    """Return names like this one; where there are none, the namespaces or the workloads to choose from.

    `others` are names that may be meant too, but are too many to list.
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
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{', '.join(names[:_LISTED])}{more}"


def _bare(known: Known) -> str:
    return known[1].rpartition("/")[2]


def _typed(known: Known, namespace: str) -> str:
    return known[1] if namespace else "/".join(known)
