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
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".c2ln"
    )


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


MALFORMED = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
GOOD = {"iss": "me", "aud": "shop", "exp": 2000, "scope": "a b", "org": {"team": "red"}}


def test_a_good_token_adds_its_claims() -> None:
    """Claims of an accepted token are metadata and headers, and the token itself goes no further."""
    found = ask(f"Bearer {token(**GOOD)}")
    assert found is not None
    assert not found.error
    assert found.metadata["payload"]["scope"] == ["a", "b"]
    assert found.message.fields == (("x-team", "red"),)


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
    none = ask(None)
    assert none is not None
    assert (none.error, none.provider) == ("", "")
    garbage = ask("Bearer garbage")
    assert garbage is not None
    assert garbage.error.startswith("Jwt is not in the form")
    query = ask(None, path=f"/?access_token={token(**GOOD)}")
    assert query is not None
    assert query.provider == "p"


def test_all_tokens_of_a_provider_have_to_be_good() -> None:
    """A second token that is bad spoils a good one, and the one found last is judged first."""
    good = f"Bearer {token(**GOOD)}"
    foreign = ask(good, path=f"/?access_token={token(iss='you')}")
    assert foreign is not None
    assert foreign.error == "Jwt issuer is not configured"
    both = ask(f"Bearer {token(**GOOD | {'exp': 1})}", path=f"/?access_token={token(**GOOD)}")
    assert both is not None
    assert both.error == "Jwt is expired"


def test_an_accepted_token_is_taken_out_of_the_query() -> None:
    """The parameter goes, and the others are decoded and sorted by name, as Envoy writes them."""
    found = ask(None, path=f"/p?b=%20&access_token={token(**GOOD)}&a")
    assert found is not None
    assert found.message.path == "/p?a=&b= "


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a.b.c", "Jwt header is an invalid Base64url encoded"),
        ("e30.e30.c2ln", "Jwt header [alg] field is required and must be a string"),
        ("e30..c2ln", MALFORMED),
        (f"{token(**GOOD)}, Bearer x.y.z", MALFORMED),
        (token(iss=5), "Jwt payload [iss] field is not a string"),
        (token(**GOOD | {"exp": "x"}), "Jwt payload [exp] field is not an integer"),
        (token(**GOOD | {"nbf": -1}), "Jwt payload [nbf] field is not a positive 64 bit integer"),
        (token(**GOOD | {"aud": [5]}), "Jwt payload [aud] field is not a string or string list"),
    ],
)  # fmt: skip
def test_a_token_that_cannot_be_read_says_why(text: str, error: str) -> None:
    """Each part of a token is read in its order, and the first that cannot be is the reason."""
    found = ask(f"Bearer {text}")
    assert found is not None
    assert found.error == error


def test_claims_become_headers_in_the_place_of_those_sent() -> None:
    """A client cannot send a header that stands for a claim; lists and objects are base64 of their JSON."""
    provider = {
        "issuer": "me",
        "forward": True,
        "forward_payload_header": "x-payload",
        "claim_to_headers": [
            {"header_name": "x-list", "claim_name": "list"},
            {"header_name": "x-number", "claim_name": "org.number"},
            {"header_name": "x-missing", "claim_name": "missing"},
        ],
    }
    config = {
        "providers": {"p": provider},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "p"}}],
    }
    sent = token(iss="me", list=["a"], org={"number": 2})
    fields = (("authorization", f"Bearer {sent}"), ("x-missing", "evil"), ("x-payload", "evil"))
    message = Message(method="GET", path="/", authority="h", fields=fields)
    found = authenticate(config, Context(connection=Connection(request=Request()), message=message))
    assert found is not None
    assert found.message.fields == (
        ("authorization", f"Bearer {sent}"),
        ("x-payload", sent.split(".")[1]),
        ("x-list", "WyJhIl0="),
        ("x-number", "2"),
    )


def test_expiry_needs_a_clock() -> None:
    """Without a time expiry is not judged."""
    found = ask(f"Bearer {token(**GOOD)}", time=None)
    late = ask(f"Bearer {token(**GOOD | {'exp': 1})}", time=None)
    assert found is not None
    assert late is not None
    assert replace(found, metadata={}) == replace(late, metadata={})
