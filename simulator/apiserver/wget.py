"""busybox's `wget` in terms of curl: its options and its error messages."""

import re
from collections.abc import Sequence

from simulator.apiserver.outcomes import Outcome

_VALUED = frozenset({"-O", "-o", "-T", "-U", "-P", "-Y", "--header", "--post-data"})
_PATTERNS = (
    (re.compile(r"curl: \(22\) .* error: (\d+)"), r"server returned error: HTTP/1.1 \1"),
    (re.compile(r"curl: \(6\) Could not resolve host: (\S+)"), r"bad address '\1'"),
    (
        re.compile(r"curl: \(7\) Failed to connect to (\S+) .*"),
        r"can't connect to remote host (\1): Connection refused",
    ),
    (re.compile(r"curl: \(52\) .*"), "error getting response"),
    (re.compile(r"curl: \(\d+\) (.*)"), r"error getting response: \1"),
    (re.compile(r"curl: no URL.*|curl: \(2\) .*"), "missing URL"),
)


def curl_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of curl that correspond to those of `wget`."""
    found = ["-sSfL", "-A", "Wget"]
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        valued = name in _VALUED or (
            len(word) > 2 and not word.startswith("--") and word[-1] in "OTUPY" and word[0] == "-"
        )
        if valued and not equals:
            value = next(words, "")
        if name in ("--header", "--post-data"):
            found += ["-H" if name == "--header" else "-d", value]
        elif not word.startswith("-"):
            found.append(word)
    return found


def wget_outcome(found: Outcome) -> Outcome:
    """Return curl's outcome with its error messages replaced by those of `wget`."""
    if found.status == 0:
        return found
    words = found.err.decode()
    for pattern, instead in _PATTERNS:
        if pattern.search(words):
            return Outcome(status=1, out=found.out, err=f"wget: {pattern.sub(instead, words).strip()}\n".encode())
    return Outcome(status=1, out=found.out, err=found.err)
