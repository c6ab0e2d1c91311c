"""Where a request carries tokens, and the request without one.

Envoy: source/extensions/filters/http/jwt_authn/extractor.cc. The places of all providers of a requirement are looked at
together: headers in the order of their names, then parameters, then cookies.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from simulator.envoy.documents import children, text, texts
from simulator.envoy.headers import Message
from simulator.model.wire import Json

_START = re.compile(r"[A-Za-z0-9\-_.]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A token as it was found."""

    token: str
    issuers: frozenset[str]
    """The issuers that look for tokens there; an empty one stands for any."""
    header: str = ""
    parameter: str = ""

    def allows(self, issuer: str) -> bool:
        """Tell whether a token of an issuer may be here."""
        return issuer in self.issuers or "" in self.issuers

    def removed_from(self, message: Message) -> Message:
        """Return the request without the token; one in a cookie stays."""
        if self.header:
            return message.without((self.header,))
        return replace(message, path=_without_parameter(message.path, self.parameter)) if self.parameter else message


@dataclass(slots=True)
class _Places:
    """Where providers look, each place with their issuers."""

    headers: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """By name and what comes before the token."""
    parameters: dict[str, set[str]] = field(default_factory=dict)
    cookies: dict[str, set[str]] = field(default_factory=dict)

    def add(self, provider: Json) -> None:
        """Add the places of a provider, the usual ones when it names none."""
        issuer, headers = text(provider, "issuer"), children(provider, "from_headers")
        parameters, cookies = texts(provider, "from_params"), texts(provider, "from_cookies")
        if not headers and not parameters and not cookies:
            headers, parameters = [{"name": "authorization", "value_prefix": "Bearer "}], ("access_token",)
        for place in headers:
            self.headers.setdefault((text(place, "name").lower(), text(place, "value_prefix")), set()).add(issuer)
        for name in parameters:
            self.parameters.setdefault(name, set()).add(issuer)
        for name in cookies:
            self.cookies.setdefault(name, set()).add(issuer)


def locate(providers: Iterable[Json], message: Message) -> list[Location]:
    """Return the tokens at all places where some providers look."""
    places = _Places()
    for provider in providers:
        places.add(provider)
    found: list[Location] = []
    for (name, prefix), issuers in sorted(places.headers.items(), key=lambda item: "".join(item[0])):
        tokens = (_after_prefix(value, prefix) for value in message.values(name))
        found += [
            Location(token=token, issuers=frozenset(issuers), header=name) for token in tokens if token is not None
        ]
    sent, baked = _decoded_parameters(message.path), message.cookies
    for name in sorted(places.parameters.keys() & sent.keys()):
        found.append(Location(token=sent[name], issuers=frozenset(places.parameters[name]), parameter=name))
    for name in sorted(places.cookies.keys() & baked.keys()):
        found.append(Location(token=baked[name], issuers=frozenset(places.cookies[name])))
    return found


def _after_prefix(value: str, prefix: str) -> str | None:
    """Return what follows a prefix, wherever it is, up to the end; None when it is not there."""
    start = value.find(prefix)
    if not prefix or start < 0:
        return value if not prefix else None
    match = _START.search(value, start + len(prefix))
    return value[match.start() :] if match else value


def _pairs(path: str) -> list[tuple[str, str]]:
    query = path.partition("?")[2]
    return [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&"))] if query else []


def _decoded_parameters(path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _pairs(path):
        found.setdefault(unquote(name), unquote(value))
    return found


def _without_parameter(path: str, name: str) -> str:
    """Return a path without a parameter, the others decoded and sorted by name."""
    grouped: dict[str, list[str]] = {}
    for key, value in _pairs(path):
        grouped.setdefault(unquote(key), []).append(unquote(value))
    kept = [f"{key}={value}" for key in sorted(grouped) if key != name for value in grouped[key]]
    return path.partition("?")[0] + (f"?{'&'.join(kept)}" if kept else "")
