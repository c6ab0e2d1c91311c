"""curl's command line: which words are options, which take a value, and what they say about the request.

curl: docs/cmdline-opts. Options without effect here (TLS versions, buffers, keep-alive) are accepted and ignored.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

AGENT = "curl/8.5.0"
_LONG_OF = {
    "X": "request", "H": "header", "d": "data", "o": "output", "w": "write-out", "m": "max-time", "u": "user",
    "A": "user-agent", "e": "referer", "b": "cookie", "c": "cookie-jar", "x": "proxy", "E": "cert", "D": "dump-header",
    "F": "form", "T": "upload-file", "r": "range", "C": "continue-at", "Y": "speed-limit", "y": "speed-time",
    "k": "insecure", "s": "silent", "S": "show-error", "i": "include", "I": "head", "v": "verbose", "f": "fail",
    "L": "location", "G": "get", "g": "globoff", "N": "no-buffer", "4": "ipv4", "6": "ipv6", "0": "http1.0",
    "O": "remote-name", "n": "netrc", "q": "disable", "a": "append", "j": "junk-session-cookies", "J":
    "remote-header-name", "R": "remote-time", "#": "progress-bar", "V": "version", "Z": "parallel", "1": "tlsv1",
    "p": "proxytunnel",
}  # fmt: skip
_VALUED = frozenset(
    {
        "request", "header", "data", "data-raw", "data-binary", "data-ascii", "data-urlencode", "json", "output",
        "write-out", "max-time", "connect-timeout", "user", "user-agent", "referer", "cookie", "cookie-jar", "proxy",
        "cert", "key", "cacert", "capath", "dump-header", "form", "upload-file", "range", "continue-at", "speed-limit",
        "speed-time", "resolve", "connect-to", "retry", "retry-delay", "retry-max-time", "max-redirs", "url",
        "interface", "ciphers", "tls-max", "limit-rate", "keepalive-time", "stderr", "oauth2-bearer", "rate",
        "request-target", "cert-type", "key-type", "pass", "proto", "noproxy", "local-port", "dns-servers",
    }
)  # fmt: skip
_PLAIN = (frozenset(_LONG_OF.values()) - _VALUED) | frozenset(
    {
        "fail-with-body", "http1.1", "http2", "http2-prior-knowledge", "compressed", "no-progress-meter", "path-as-is",
        "no-keepalive", "tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3", "ssl", "ssl-reqd", "tcp-nodelay", "tcp-fastopen",
        "no-sessionid", "no-alpn", "no-npn", "retry-connrefused", "retry-all-errors", "fail-early", "raw", "basic",
        "create-dirs", "location-trusted", "post301", "post302", "post303", "no-silent", "no-verbose",
    }
)  # fmt: skip
_BODIES = ("data", "data-raw", "data-binary", "data-ascii", "data-urlencode", "json")
_FORM = "application/x-www-form-urlencoded"


class UnknownOption(Exception):
    """An option that curl does not have, or one without its value; the message is curl's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CurlCommand:
    """A parsed command line."""

    options: tuple[tuple[str, str], ...]
    addresses: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Tell whether one of some options is given."""
        return any(name in names for name, _ in self.options)

    def value(self, name: str) -> str:
        """Return the last value of an option; empty when it is not given."""
        return next((value for each, value in reversed(self.options) if each == name), "")

    def values(self, *names: str) -> list[str]:
        """Return all values of some options, in the order in which they were given."""
        return [value for name, value in self.options if name in names]

    @cached_property
    def body(self) -> str:
        """The body of the request."""
        return "&".join(self.values(*_BODIES))

    @property
    def method(self) -> str:
        """The method: what `-X` says, else what the other options mean."""
        if self.has("request"):
            return self.value("request")
        if self.has("head"):
            return "HEAD"
        if self.has("upload-file"):
            return "PUT"
        return "POST" if self.has(*_BODIES, "form") and not self.has("get") else "GET"

    def fields(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that are sent besides Host, in curl's order."""
        given = [_field(line) for line in self.values("header")]
        own: list[tuple[str, str]] = []
        if self.has("user"):
            own.append(("Authorization", f"Basic {base64.b64encode(self.value('user').encode()).decode()}"))
        if self.has("oauth2-bearer"):
            own.append(("Authorization", f"Bearer {self.value('oauth2-bearer')}"))
        own += [("User-Agent", self.value("user-agent") or AGENT), ("Accept", "*/*")]
        if self.has("json"):
            own[-1] = ("Accept", "application/json")
        own += [(name, self.value(option)) for option, name in (("referer", "Referer"), ("cookie", "Cookie"))]
        if self.has(*_BODIES) and not self.has("get"):
            own += [("Content-Length", str(len(self.body.encode())))]
            own += [("Content-Type", "application/json" if self.has("json") else _FORM)]
        taken = {name.lower() for name, _ in given}
        kept = [(name, value) for name, value in own if value and name.lower() not in taken]
        return (*kept, *((name, value) for name, value in given if name.lower() != "host" and value))

    def host(self) -> str | None:
        """Return the Host header that was given; None without one."""
        named = [value for name, value in map(_field, self.values("header")) if name.lower() == "host"]
        return named[-1] if named else None


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().removesuffix(";"), value.strip()


def curl_command(arguments: Sequence[str]) -> CurlCommand:
    """Read a command line. Raises UnknownOption."""
    options: list[tuple[str, str]] = []
    addresses: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--" or not word.startswith("-") or word == "-":
            addresses += [word] if word != "--" else list(words)
        elif word.startswith("--"):
            options.append(_long(word[2:], words))
        else:
            options += _short(word[1:], words)
    addresses += [value for name, value in options if name == "url"]
    return CurlCommand(options=tuple(options), addresses=tuple(addresses))


def _long(name: str, words: Iterator[str]) -> tuple[str, str]:
    if name in _VALUED:
        return name, _next(f"--{name}", words)
    if name not in _PLAIN:
        raise UnknownOption(f"curl: option --{name}: is unknown")
    return name, ""


def _short(letters: str, words: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield the options of `-sSo/dev/null`: the first that takes a value takes what follows."""
    for position, letter in enumerate(letters, start=1):
        name = _LONG_OF.get(letter)
        if name is None:
            raise UnknownOption(f"curl: option -{letters}: is unknown")
        if name in _VALUED:
            yield name, letters[position:] or _next(f"-{letter}", words)
            return
        yield name, ""


def _next(option: str, words: Iterator[str]) -> str:
    value = next(words, None)
    if value is None:
        raise UnknownOption(f"curl: option {option}: requires parameter")
    return value
