"""JSON Web Tokens: whether a request shows what is required, and what claims add to the request and its metadata.

Envoy: source/extensions/filters/http/jwt_authn/{filter,verifier,authenticator}.cc. A provider wants all tokens at its
places to be good, and looks at the last of them first; an accepted token is taken out of the request, so that the
next provider does not see it.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.envoy.documents import child, children, flag, integer, mapping, text, texts
from simulator.envoy.headers import Message
from simulator.envoy.json_web_token import (
    MISSING,
    UNKNOWN_ISSUER,
    WRONG_AUDIENCE,
    Token,
    audience_error,
    parse,
    time_error,
)
from simulator.envoy.route_match import Context, mismatch
from simulator.envoy.token_locations import Location, locate
from simulator.model.wire import Json

_CLOCK_SKEW = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """What the filter decided. `error` is empty when the request may go on."""

    message: Message
    """The request as it goes on."""
    error: str = ""
    issuer: str = ""
    provider: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Claims by the name the provider puts them under."""
    reroutes: bool = False
    """The route is chosen again, now that the claims are known."""

    @property
    def status(self) -> int:
        """Return the status of a refusal."""
        return 403 if self.error == WRONG_AUDIENCE else 401


def authenticate(config: Json, context: Context) -> Authentication | None:
    """Apply a JwtAuthentication configuration; None when it asks nothing of this request."""
    message = context.message
    preflight = (
        message.method == "OPTIONS" and message.value("origin") and message.value("access-control-request-method")
    )
    if preflight and flag(config, "bypass_cors_preflight"):
        return None
    for rule in children(config, "rules"):
        if mismatch(child(rule, "match"), context) is None:
            return _rule(config, rule, context)
    return None


def _rule(config: Json, rule: Json, context: Context) -> Authentication | None:
    requirement = child(rule, "requires")
    if text(rule, "requirement_name"):
        requirement = mapping(config, "requirement_map").get(text(rule, "requirement_name"), {})
    if not requirement:
        return None
    verifier = _Verifier(mapping(config, "providers"), context)
    error = verifier.verify(requirement)
    if error:
        return Authentication(message=verifier.message, error=error)
    return Authentication(
        message=verifier.message,
        issuer=verifier.issuer,
        provider=verifier.provider,
        metadata=verifier.metadata,
        reroutes=verifier.reroutes,
    )


class _Verifier:
    """Goes through a tree of requirements; the request changes on the way."""

    def __init__(self, providers: Mapping[str, Json], context: Context) -> None:
        self._providers = providers
        self._now = context.connection.request.time
        self.message = context.message
        self.metadata: dict[str, Any] = {}
        self.provider = ""
        self.issuer = ""
        self.reroutes = False

    def verify(self, requirement: Json) -> str:
        """Return why a requirement is not met; empty when it is."""
        if "provider_name" in requirement or "provider_and_audiences" in requirement:
            narrowed = child(requirement, "provider_and_audiences")
            name = text(requirement, "provider_name") or text(narrowed, "provider_name")
            return self._one_provider(name, texts(narrowed, "audiences"))
        if "requires_any" in requirement:
            return self._any(children(child(requirement, "requires_any"), "requirements"))
        if "requires_all" in requirement:
            every = children(child(requirement, "requires_all"), "requirements")
            return next((error for item in every if (error := self.verify(item))), "")
        if "allow_missing_or_failed" in requirement or "allow_missing" in requirement:
            return self._lenient(may_fail="allow_missing_or_failed" in requirement)
        return ""

    def _any(self, requirements: list[Json]) -> str:
        """Return the error that says most: one about the token itself, then a foreign issuer, then no token."""
        worst = MISSING
        for requirement in requirements:
            if requirement.keys() & {"allow_missing", "allow_missing_or_failed"}:
                continue
            error = self.verify(requirement)
            if not error:
                return ""
            if error not in (MISSING, UNKNOWN_ISSUER) or worst == MISSING:
                worst = error
        if any("allow_missing_or_failed" in requirement for requirement in requirements):
            return ""
        allowed = any("allow_missing" in requirement for requirement in requirements)
        return "" if allowed and worst == MISSING else worst

    def _one_provider(self, name: str, audiences: tuple[str, ...]) -> str:
        provider = self._providers.get(name, {})
        self._sanitize((provider,))
        found = locate((provider,), self.message)
        if not found:
            return MISSING
        return next((error for place in reversed(found) if (error := self._token(place, name, audiences))), "")

    def _lenient(self, *, may_fail: bool) -> str:
        """Judge every token at any provider's place by the provider of its issuer; the last one judged counts."""
        self._sanitize(self._providers.values())
        error = ""
        for place in reversed(locate(self._providers.values(), self.message)):
            error = self._token(place, "", ())
        return "" if may_fail else error

    def _sanitize(self, providers: Iterable[Json]) -> None:
        for provider in providers:
            names = [text(item, "header_name") for item in children(provider, "claim_to_headers")]
            self.message = self.message.without(filter(None, (text(provider, "forward_payload_header"), *names)))

    def _token(self, place: Location, name: str, audiences: tuple[str, ...]) -> str:
        token = parse(place.token)
        if isinstance(token, str):
            return token
        name = name or self._provider_of(token.issuer)
        if not place.allows(token.issuer) or not name:
            return UNKNOWN_ISSUER
        provider = self._providers.get(name, {})
        skew = integer(provider, "clock_skew_seconds") or _CLOCK_SKEW
        error = time_error(token, now=self._now, skew=skew) or audience_error(
            token, audiences or texts(provider, "audiences")
        )
        if not error:
            self._accept(name, provider, place, token)
        return error

    def _provider_of(self, issuer: str) -> str:
        named = next((name for name, one in self._providers.items() if issuer and text(one, "issuer") == issuer), "")
        return named or next((name for name, one in self._providers.items() if not text(one, "issuer")), "")

    def _accept(self, name: str, provider: Json, place: Location, token: Token) -> None:
        self.provider, self.issuer = name, token.issuer
        self.reroutes = self.reroutes or flag(provider, "clear_route_cache")
        if text(provider, "forward_payload_header"):
            padding = "=" * (-len(token.payload) % 4) if flag(provider, "pad_forward_payload_header") else ""
            self.message = self.message.adding(text(provider, "forward_payload_header"), token.payload + padding)
        for item in children(provider, "claim_to_headers"):
            value = _printed(_nested(token.claims, text(item, "claim_name")))
            if value:
                self.message = self.message.adding(text(item, "header_name"), value)
        if not flag(provider, "forward"):
            self.message = place.removed_from(self.message)
        if text(provider, "payload_in_metadata"):
            self.metadata[text(provider, "payload_in_metadata")] = _normalized(provider, token.claims)


def _nested(claims: Any, path: str) -> Any:
    for part in path.split("."):
        claims = claims.get(part) if isinstance(claims, Mapping) else None
    return claims


def _printed(claim: Any) -> str:
    """Print a claim as a header: lists and objects as JSON in base64, whole numbers without a point."""
    match claim:
        case None:
            return ""
        case bool():
            return "true" if claim else "false"
        case int() | float():
            whole = claim == int(claim) and 0 <= claim < 2**64
            return str(int(claim)) if whole else f"{claim:f}"
        case list() | dict():
            return base64.b64encode(json.dumps(claim, separators=(",", ":")).encode()).decode()
    return str(claim)


def _normalized(provider: Json, claims: Mapping[str, Any]) -> dict[str, Any]:
    spaced = texts(child(provider, "normalize_payload_in_metadata"), "space_delimited_claims")
    return {
        name: value.split(" ") if name in spaced and isinstance(value, str) else value for name, value in claims.items()
    }
