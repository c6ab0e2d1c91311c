"""Which rule allows or denies."""

from typing import Any

import pytest

from simulator.envoy.connections import Connection
from simulator.envoy.documents import UnreadableDocument
from simulator.envoy.headers import Message
from simulator.envoy.rbac import is_principal, judge, judge_matcher, permits
from simulator.envoy.route_match import Context
from simulator.model.requests import Request, Tls

WEB = "spiffe://cluster.local/ns/shop/sa/web"


def context(*, tls: Tls = Tls.MUTUAL, path: str = "/a?x=1", metadata: dict[str, Any] | None = None) -> Context:
    """Return a request from web to port 8080."""
    request = Request(
        tls=tls, identity=WEB, sni="cart", source_ip="10.1.0.1", destination_ip="10.2.0.1", port=8080,
        filter_state={"peer": WEB},
    )  # fmt: skip
    message = Message(method="GET", path=path, authority="cart", fields=(("x-a", "1"),))
    return Context(
        connection=Connection(request=request), message=message, remote_ip="192.0.2.1", metadata=metadata or {}
    )


ANY: dict[str, Any] = {"any": True}
NAMED = {"authenticated": {"principal_name": {"exact": WEB}}}


@pytest.mark.parametrize(
    ("permission", "holds"),
    [
        (ANY, True),
        ({"destination_port": 8080}, True),
        ({"destination_port_range": {"start": 8000, "end": 8080}}, False),
        ({"destination_ip": {"address_prefix": "10.2.0.0", "prefix_len": 16}}, True),
        ({"url_path": {"path": {"exact": "/a"}}}, True),
        ({"header": {"name": "x-a", "string_match": {"exact": "1"}}}, True),
        ({"requested_server_name": {"prefix": "ca"}}, True),
        ({"not_rule": {"destination_port": 8080}}, False),
        ({"and_rules": {"rules": [ANY, {"destination_port": 1}]}}, False),
        ({"or_rules": {"rules": [{"destination_port": 1}, ANY]}}, True),
        ({"uri_template": {"typed_config": {"@type": "t/x.UriTemplateMatchConfig", "path_template": "/{*}"}}}, True),
    ],
)
def test_a_permission_is_about_the_operation(permission: dict[str, Any], holds: bool) -> None:
    """Each kind of permission holds for the operation it names."""
    assert permits(permission, context()) is holds


@pytest.mark.parametrize(
    ("principal", "holds"),
    [
        (NAMED, True),
        ({"authenticated": {}}, True),
        ({"source_ip": {"address_prefix": "10.1.0.1", "prefix_len": 32}}, True),
        ({"direct_remote_ip": {"address_prefix": "192.0.2.0", "prefix_len": 24}}, False),
        ({"remote_ip": {"address_prefix": "192.0.2.0", "prefix_len": 24}}, True),
        ({"filter_state": {"key": "peer", "string_match": {"suffix": "/web"}}}, True),
        ({"not_id": NAMED}, False),
        ({"and_ids": {"ids": [NAMED, ANY]}}, True),
        ({"or_ids": {"ids": []}}, False),
    ],
)
def test_a_principal_is_about_the_source(principal: dict[str, Any], holds: bool) -> None:
    """Each kind of principal holds for the source it names."""
    assert is_principal(principal, context()) is holds


def test_plain_text_has_no_identity() -> None:
    """A client without certificate has no identity, so a negated identity matches it."""
    plain = context(tls=Tls.NONE)
    assert not is_principal(NAMED, plain)
    assert is_principal({"not_id": NAMED}, plain)


def rules(action: str | None, **policies: dict[str, Any]) -> dict[str, Any]:
    """Return rules with some policies."""
    return {"policies": policies} | ({"action": action} if action else {})


ALL = {"permissions": [ANY], "principals": [ANY]}
NONE = {"permissions": [{"not_rule": ANY}], "principals": [ANY]}


def test_policies_are_tried_by_name() -> None:
    """The first matching policy in the order of names decides, and those before it are listed as rejected."""
    found = judge(rules(None, b=ALL, a=NONE), context())
    assert (found.allowed, found.policy, [one.name for one in found.rejected]) == (True, "b", ["a"])


def test_actions_decide_what_a_match_means() -> None:
    """ALLOW without a match denies, DENY with one denies, LOG never does."""
    assert not judge(rules(None, a=NONE), context()).allowed
    assert not judge(rules("DENY", a=ALL), context()).allowed
    assert judge(rules("DENY", a=NONE), context()).allowed
    assert judge(rules("LOG", a=ALL), context()).allowed


def test_the_matcher_form_denies_what_nothing_matches() -> None:
    """Rules in matcher form are followed to their action, and no action is a denial."""
    action = {"typed_config": {"@type": "t/envoy.config.rbac.v3.Action", "name": "p", "action": "ALLOW"}}
    port = {"typed_config": {"@type": "t/x.DestinationPortInput"}}
    single = {"single_predicate": {"input": port, "value_match": {"exact": "8080"}}}
    matcher = {"matcher_list": {"matchers": [{"predicate": single, "on_match": {"action": action}}]}}
    assert judge_matcher(matcher, context()).policy == "p"
    assert not judge_matcher({"matcher_list": {}}, context()).allowed


def test_a_kind_that_is_not_known_is_named() -> None:
    """A permission of a kind that is not simulated is an error that names it, not a guess."""
    with pytest.raises(UnreadableDocument, match="brand_new"):
        permits({"brand_new": {}}, context())


@pytest.mark.parametrize(
    ("principal", "tls", "holds"),
    [
        ({"authenticated": {}}, Tls.NONE, False),
        ({"authenticated": {}}, Tls.SIMPLE, True),
        (NAMED, Tls.SIMPLE, False),
        ({"any_validated_client_certificate": {}}, Tls.SIMPLE, False),
        ({"any_validated_client_certificate": {}}, Tls.MUTUAL, True),
        ({"san_matcher": {"san_type": "URI", "matcher": {"prefix": "spiffe://cluster.local/"}}}, Tls.MUTUAL, True),
        ({"san_matcher": {"san_type": "URI", "matcher": {"prefix": "spiffe://other/"}}}, Tls.MUTUAL, False),
        ({"san_matcher": {"san_type": "DNS", "matcher": {"prefix": ""}}}, Tls.MUTUAL, False),
    ],
)
def test_an_identity_needs_a_certificate(principal: dict[str, Any], tls: Tls, holds: bool) -> None:
    """TLS alone is enough where no name is asked for; a name or any certificate needs mutual TLS."""
    if "authenticated" not in principal:
        kind = "x/envoy.extensions.rbac.principals.mtls_authenticated.v3.Config"
        principal = {"custom": {"typed_config": {"@type": kind, **principal}}}
    assert is_principal(principal, context(tls=tls)) is holds
