"""One JSON Web Token: read, and judged by its claims. Nobody here has keys, so its signature is taken to be good.

Envoy: source/common/jwt (jwt.cc, check_audience.cc), formerly google/jwt_verify_lib. The order of the checks is
Envoy's, because the first that fails is the answer.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MISSING = "Jwt is missing"
UNKNOWN_ISSUER = "Jwt issuer is not configured"
EXPIRED = "Jwt is expired"
NOT_YET = "Jwt not yet valid"
WRONG_AUDIENCE = "Audiences in Jwt are not allowed"
MALFORMED = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
_BASE64URL = re.compile(r"[A-Za-z0-9\-_]*={0,2}")
_ALGORITHMS = frozenset(
    {"EdDSA", *(f"{family}{size}" for family in ("ES", "HS", "RS", "PS") for size in ("256", "384", "512"))}
)
_LARGEST = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that could be read."""

    claims: Mapping[str, Any]
    payload: str
    """The claims as they were sent, base64url."""

    @property
    def issuer(self) -> str:
        """Return who issued it; empty when it does not say."""
        return str(self.claims.get("iss", ""))


def parse(text: str) -> Token | str:
    """Read a token; return what is wrong with it when it cannot be read."""
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):
        return MALFORMED
    header = _section(parts[0], "header")
    if isinstance(header, str):
        return header
    error = _header_error(header)
    if error:
        return error
    claims = _section(parts[1], "payload")
    if isinstance(claims, str):
        return claims
    errors = (check(name, claims[name]) for name, check in _CLAIMS if name in claims)
    error = next(filter(None, errors), "")
    if error:
        return error
    if _decoded(parts[2]) is None:
        return "Jwt signature is an invalid Base64url encoded"
    return Token(claims=claims, payload=parts[1])


def _section(text: str, name: str) -> dict[str, Any] | str:
    content = _decoded(text)
    if content is None:
        return f"Jwt {name} is an invalid Base64url encoded"
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else f"Jwt {name} is an invalid JSON"


def _decoded(text: str) -> bytes | None:
    bare = text.rstrip("=")
    if not _BASE64URL.fullmatch(text) or len(bare) % 4 == 1:
        return None
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


def _header_error(header: Mapping[str, Any]) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        return "Jwt header [alg] field is required and must be a string"
    if algorithm not in _ALGORITHMS:
        return "Jwt header [alg] is not supported"
    return "" if isinstance(header.get("kid", ""), str) else "Jwt header [kid] field is not a string"


def _text_error(name: str, value: Any) -> str:
    return "" if isinstance(value, str) else f"Jwt payload [{name}] field is not a string"


def _number_error(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"Jwt payload [{name}] field is not an integer"
    return "" if 0 <= value < _LARGEST else f"Jwt payload [{name}] field is not a positive 64 bit integer"


def _audience_error(name: str, value: Any) -> str:
    listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return "" if listed or isinstance(value, str) else f"Jwt payload [{name}] field is not a string or string list"


_CLAIMS: tuple[tuple[str, Callable[[str, Any], str]], ...] = (
    ("iss", _text_error),
    ("sub", _text_error),
    ("iat", _number_error),
    ("nbf", _number_error),
    ("exp", _number_error),
    ("jti", _text_error),
    ("aud", _audience_error),
)


def time_error(token: Token, *, now: int | None, skew: int) -> str:
    """Tell why a token is not valid at a time; empty when it is, or when there is no time to judge by."""
    if now is None:
        return ""
    if now + skew < int(token.claims.get("nbf") or 0):
        return NOT_YET
    expiry = int(token.claims.get("exp") or 0)
    return EXPIRED if expiry and now > expiry + skew else ""


def audience_error(token: Token, allowed: Iterable[str]) -> str:
    """Tell why a token is not meant for any of `allowed`; empty when it is, or when anyone may be meant."""
    wanted = {_audience(one) for one in allowed}
    given = token.claims.get("aud") or []
    shown = {_audience(one) for one in (given if isinstance(given, list) else [given])}
    return WRONG_AUDIENCE if wanted and not wanted & shown else ""


def _audience(audience: object) -> str:
    return re.sub(r"^https?://", "", str(audience)).removesuffix("/")
