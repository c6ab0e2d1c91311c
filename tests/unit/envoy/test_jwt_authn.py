"""Whether a token lets a request through."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from simulator.envoy.connections import Connection
from simulator.envoy.headers import Message
from simulator.envoy.jwt_authn import Authentication, authenticate
from simulator.envoy.route_match import Context
from simulator.model.requests import Request


def token(**claims: Any) -> str:
    """Return a token with some claims and no signature to speak of."""
    parts = ({"alg": "RS256"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".c"


CONFIG: dict[str, Any] = {
    "bypass_cors_preflight": True,
    "providers": {
        "p": {
            "issuer": "me",
            "audiences": ["shop"],
            "payload_in_metadata": "payload",
            "claim_to_headers": [{"header_name": "X-Team", "claim_name": "org.team"}],
            "normalize_payload_in_metadata": {"space_delimited_claims": ["scope"]},
        }
    },
    "rules": [
        {
            "match": {"prefix": "/"},
            "requires": {"requires_any": {"requirements": [{"provider_name": "p"}, {"allow_missing": {}}]}},
        }
    ],
}


def ask(authorization: str | None, *, path: str = "/", time: int | None = 1000) -> Authentication | None:
    """Return what the filter says to a request."""
    fields = (("authorization", authorization),) if authorization else ()
    message = Message(method="GET", path=path, authority="h", fields=fields)
    return authenticate(CONFIG, Context(connection=Connection(request=Request(time=time)), message=message))


GOOD = {"iss": "me", "aud": "shop", "exp": 2000, "scope": "a b", "org": {"team": "red"}}


def test_a_good_token_adds_its_claims() -> None:
    """Claims of an accepted token are metadata and headers, and the token itself goes no further."""
    found = ask(f"Bearer {token(**GOOD)}")
    assert found is not None
    assert not found.error
    assert found.metadata["payload"]["scope"] == ["a", "b"]
    assert (found.header_changes, found.removed_headers) == ((("x-team", "red"),), ("authorization",))


@pytest.mark.parametrize(
    ("changes", "error", "status"),
    [
        ({"iss": "you"}, "Jwt issuer is not configured", 401),
        ({"exp": 900}, "Jwt is expired", 401),
        ({"nbf": 1100}, "Jwt not yet valid", 401),
        ({"aud": ["web"]}, "Audiences in Jwt are not allowed", 403),
    ],
)
def test_a_bad_token_is_refused_with_its_reason(changes: dict[str, Any], error: str, status: int) -> None:
    """Issuer, time and audience are judged, and each failure has its text and status."""
    found = ask(f"Bearer {token(**GOOD | changes)}")
    assert found is not None
    assert (found.error, found.status) == (error, status)


def test_a_missing_token_is_allowed_and_a_malformed_one_is_not() -> None:
    """Where a token may be missing, garbage in its place still is an error; the query may bring the token, too."""
    assert ask(None) == Authentication()
    garbage = ask("Bearer garbage")
    assert garbage is not None
    assert garbage.error.startswith("Jwt is not in the form")
    query = ask(None, path=f"/?access_token={token(**GOOD)}")
    assert query is not None
    assert query.provider == "p"


def test_expiry_needs_a_clock() -> None:
    """Without a time expiry is not judged."""
    found = ask(f"Bearer {token(**GOOD)}", time=None)
    late = ask(f"Bearer {token(**GOOD | {'exp': 1})}", time=None)
    assert found is not None
    assert late is not None
    assert replace(found, metadata={}) == replace(late, metadata={})
