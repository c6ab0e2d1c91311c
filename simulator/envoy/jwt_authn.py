"""JSON Web Tokens: whether a request shows one that is required, and what its claims add to the metadata.

Envoy: source/extensions/filters/http/jwt_authn/{extractor,verifier,authenticator}.cc. Keys are not judged here: a
token that is well-formed, of a known issuer, in time and for the right audience counts as signed by it.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.envoy.documents import child, children, flag, integer, mapping, text, texts
from simulator.envoy.headers import query_parameters
from simulator.envoy.route_match import Context, mismatch
from simulator.model.wire import Json

MISSING = "Jwt is missing"
UNKNOWN_ISSUER = "Jwt issuer is not configured"
EXPIRED = "Jwt is expired"
NOT_YET = "Jwt not yet valid"
WRONG_AUDIENCE = "Audiences in Jwt are not allowed"
MALFORMED = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
_CLOCK_SKEW = 60
_TOKEN = re.compile(r"[A-Za-z0-9\-_=.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """What the filter decided. `error` is empty when the request may go on."""

    error: str = ""
    issuer: str = ""
    provider: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Claims by the name the provider puts them under."""
    header_changes: tuple[tuple[str, str], ...] = ()
    removed_headers: tuple[str, ...] = ()
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
    return _verify(config, requirement, context)


def _verify(config: Json, requirement: Json, context: Context) -> Authentication:
    providers = mapping(config, "providers")
    if "provider_name" in requirement or "provider_and_audiences" in requirement:
        narrowed = child(requirement, "provider_and_audiences")
        name = text(requirement, "provider_name") or text(narrowed, "provider_name")
        audiences = texts(narrowed, "audiences") or None
        return _provider(name, providers.get(name, {}), context, audiences)
    if "requires_any" in requirement:
        return _any(config, children(child(requirement, "requires_any"), "requirements"), context)
    if "requires_all" in requirement:
        return _all(config, children(child(requirement, "requires_all"), "requirements"), context)
    if "allow_missing_or_failed" in requirement:
        found = _some_provider(providers, context)
        return found if not found.error else Authentication()
    if "allow_missing" in requirement:
        found = _some_provider(providers, context)
        return Authentication() if found.error == MISSING else found
    return Authentication()


def _any(config: Json, requirements: list[Json], context: Context) -> Authentication:
    worst = Authentication(error=MISSING)
    for requirement in requirements:
        result = _verify(config, requirement, context)
        if not result.error:
            return result
        if worst.error == MISSING or (worst.error == UNKNOWN_ISSUER and result.error != MISSING):
            worst = result
    return worst


def _all(config: Json, requirements: list[Json], context: Context) -> Authentication:
    metadata: dict[str, Any] = {}
    last = Authentication()
    for requirement in requirements:
        last = _verify(config, requirement, context)
        if last.error:
            return last
        metadata.update(last.metadata)
    return Authentication(metadata=metadata, issuer=last.issuer, provider=last.provider, reroutes=last.reroutes)


def _some_provider(providers: Mapping[str, Json], context: Context) -> Authentication:
    """Judge the tokens at any provider's places by the provider that issued them."""
    tokens = [token for provider in providers.values() for token, _ in _tokens(provider, context)]
    if not tokens:
        return Authentication(error=MISSING)
    results = [_provider(name, provider, context, None) for name, provider in providers.items()]
    for result in results:
        if not result.error:
            return result
    return min(results, key=lambda result: (result.error == MISSING, result.error == UNKNOWN_ISSUER))


def _provider(name: str, provider: Json, context: Context, audiences: tuple[str, ...] | None) -> Authentication:
    failed = Authentication(error=MISSING)
    for token, header in _tokens(provider, context):
        claims = _claims(token)
        error = MALFORMED if claims is None else _judge(provider, claims, context, audiences)
        if claims is not None and not error:
            return _accepted(name, provider, claims, header)
        failed = Authentication(error=error, provider=name)
    return failed


def _tokens(provider: Json, context: Context) -> Iterator[tuple[str, str]]:
    """Yield the tokens at the places a provider names, each with the header it was found in."""
    places = children(provider, "from_headers")
    parameters, cookies = texts(provider, "from_params"), texts(provider, "from_cookies")
    if not places and not parameters and not cookies:
        places, parameters = [{"name": "authorization", "value_prefix": "Bearer "}], ("access_token",)
    message = context.message
    for place in places:
        name, prefix = text(place, "name").lower(), text(place, "value_prefix")
        for value in message.values(name):
            start = value.find(prefix)
            if start >= 0:
                match = _TOKEN.match(value[start + len(prefix) :].lstrip(" "))
                yield (match[0] if match else "", name)
    query = query_parameters(message.path)
    yield from ((query[name], "") for name in parameters if name in query)
    for line in message.values("cookie"):
        for pair in line.split(";"):
            name, _, value = pair.strip().partition("=")
            if name in cookies:
                yield value, ""


def _claims(token: str) -> dict[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _judge(provider: Json, claims: dict[str, Any], context: Context, audiences: tuple[str, ...] | None) -> str:
    issuer = text(provider, "issuer")
    if issuer and claims.get("iss") != issuer:
        return UNKNOWN_ISSUER
    now = context.connection.request.time
    skew = integer(provider, "clock_skew_seconds", _CLOCK_SKEW)
    expiry, start = claims.get("exp"), claims.get("nbf")
    if now is not None and isinstance(expiry, (int, float)) and now > expiry + skew:
        return EXPIRED
    if now is not None and isinstance(start, (int, float)) and now + skew < start:
        return NOT_YET
    wanted = {_audience(one) for one in audiences or texts(provider, "audiences")}
    given = claims.get("aud", [])
    shown = {_audience(one) for one in (given if isinstance(given, list) else [given])}
    return WRONG_AUDIENCE if wanted and not wanted & shown else ""


def _audience(audience: object) -> str:
    return re.sub(r"^https?://", "", str(audience)).removesuffix("/")


def _accepted(name: str, provider: Json, claims: dict[str, Any], header: str) -> Authentication:
    metadata: dict[str, Any] = {}
    if text(provider, "payload_in_metadata"):
        metadata[text(provider, "payload_in_metadata")] = _normalized(provider, claims)
    changes = [
        (text(item, "header_name").lower(), str(value))
        for item in children(provider, "claim_to_headers")
        if (value := _nested(claims, text(item, "claim_name"))) is not None
    ]
    return Authentication(
        provider=name,
        issuer=str(claims.get("iss", "")),
        metadata=metadata,
        header_changes=tuple(changes),
        removed_headers=(header,) if header and not flag(provider, "forward") else (),
        reroutes=flag(provider, "clear_route_cache"),
    )


def _nested(claims: Any, path: str) -> Any:
    for part in path.split("."):
        claims = claims.get(part) if isinstance(claims, dict) else None
    return claims


def _normalized(provider: Json, claims: dict[str, Any]) -> dict[str, Any]:
    spaced = texts(child(provider, "normalize_payload_in_metadata"), "space_delimited_claims")
    return {
        name: value.split(" ") if name in spaced and isinstance(value, str) else value for name, value in claims.items()
    }
