"""AuthorizationPolicy and RequestAuthentication in filter chains."""

from typing import Any

import pytest

from simulator.xds.rbac import rule_policy
from simulator.xds.rbac_attributes import RuleContext
from simulator.xds.trust_domains import expand_aliases, replace_aliases
from tests.unit.xds.listener_parts import filter_names, http_filters, inbound_chains
from tests.unit.xds.shop import mesh

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: client, namespace: shop}
spec: {selector: {app: client}, ports: [{name: http, port: 8080}, {name: tcp, port: 9000}]}
"""
ANY_SOURCE = [{"and_ids": {"ids": [{"any": True}]}}]


def policy(spec: str, *, name: str = "rule", annotations: str = "{}") -> str:
    """Return an AuthorizationPolicy in `shop`."""
    return f"""
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: {{name: {name}, namespace: shop, annotations: {annotations}}}
    spec: {spec}
    """


def context(*, tcp: bool = False) -> RuleContext:
    """Return where a rule is enforced."""
    return RuleContext(tcp=tcp, filter_state=False, namespace="shop")


def translated(rule: dict[str, Any], *, allow: bool = True, tcp: bool = False) -> Any:
    """Translate one rule in the mesh's only trust domain."""
    return rule_policy(rule, allow=allow, domains=["cluster.local"], context=context(tcp=tcp))


def permissions(operation: dict[str, Any]) -> Any:
    """Return the matchers of one operation."""
    return translated({"to": [{"operation": operation}]})["permissions"][0]["and_rules"]["rules"]


def principals(source: dict[str, Any]) -> Any:
    """Return the matchers of one source."""
    return translated({"from": [{"source": source}]})["principals"][0]["and_ids"]["ids"]


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("/a", {"exact": "/a"}),
        ("/a*", {"prefix": "/a"}),
        ("*/a", {"suffix": "/a"}),
        ("*", {"safe_regex": {"regex": ".+"}}),
    ],
)
def test_wildcards_at_the_ends_of_values(value: str, match: dict[str, Any]) -> None:
    """A value is exact unless it begins or ends with a star, and a lone star asks for anything."""
    assert permissions({"paths": [value]}) == [{"or_rules": {"rules": [{"url_path": {"path": match}}]}}]


def test_path_templates_are_matched_as_templates() -> None:
    """A path with `{*}` or `{**}` is a URI template."""
    [either] = permissions({"paths": ["/a/{*}/b/{**}"]})
    config = either["or_rules"]["rules"][0]["uri_template"]["typed_config"]
    assert config["path_template"] == "/a/*/b/**"


def test_negative_values_are_negated_as_a_whole() -> None:
    """Values that are ruled out are joined by or, and that is negated."""
    [ruled_out] = permissions({"notMethods": ["GET", "HEAD"]})
    assert [rule["header"]["string_match"]["exact"] for rule in ruled_out["not_rule"]["or_rules"]["rules"]] == [
        "GET",
        "HEAD",
    ]


@pytest.mark.parametrize(
    ("source", "regex"),
    [
        ({"namespaces": ["a*"]}, ".*/ns/a.*/.*"),
        ({"serviceAccounts": ["web"]}, "spiffe://.+/ns/shop/(.+/|)sa/web(/.+)?"),
        ({"serviceAccounts": ["b.c/web"]}, r"spiffe://.+/ns/b\.c/(.+/|)sa/web(/.+)?"),
        ({"principals": ["*/web"]}, "spiffe://.*/web"),
        ({"trustDomains": ["a*.b"]}, r"spiffe://a[^/]*\.b/.*"),
    ],
)
def test_identities_are_regular_expressions_where_no_simpler_match_serves(source: dict[str, Any], regex: str) -> None:
    """Namespaces, service accounts and inner wildcards are found in the SPIFFE identity by expressions."""
    [either] = principals(source)
    assert either["or_ids"]["ids"][0]["authenticated"]["principal_name"]["safe_regex"]["regex"] == regex


def test_request_principal_is_issuer_and_subject() -> None:
    """The last slash divides a request principal into issuer and subject."""
    [both] = principals({"requestPrincipals": ["https://issuer.test/*"]})
    issuer, subject = both["and_ids"]["ids"]
    assert issuer["metadata"]["value"] == {"string_match": {"exact": "https://issuer.test"}}
    assert subject["metadata"]["value"] == {"string_match": {"safe_regex": {"regex": ".+"}}}


def test_conditions_of_the_request_stand_beside_every_operation() -> None:
    """A `when` on the destination is added to each operation, one on the source to each source."""
    rule = {
        "to": [{"operation": {"ports": ["80"]}}, {"operation": {"ports": ["81"]}}],
        "when": [{"key": "destination.port", "values": ["90"]}, {"key": "source.ip", "values": ["10.0.0.0/8"]}],
    }
    made = translated(rule)
    assert [len(item["and_rules"]["rules"]) for item in made["permissions"]] == [2, 2]
    assert made["principals"][0]["and_ids"]["ids"][0]["or_ids"]["ids"][0]["direct_remote_ip"]["prefix_len"] == 8


def test_unknown_condition_removes_the_rule() -> None:
    """A rule with a condition that istiod does not know is left out, whatever its action."""
    assert translated({"when": [{"key": "request.colour", "values": ["red"]}]}, allow=False) is None


def test_http_conditions_on_tcp_remove_allow_rules_and_widen_deny_rules() -> None:
    """On a TCP connection an ALLOW rule that needs HTTP is gone, a DENY rule loses what it cannot check."""
    rule = {"to": [{"operation": {"methods": ["PUT"], "ports": ["9000"]}}]}
    assert translated(rule, tcp=True) is None
    widened = translated(rule, tcp=True, allow=False)
    assert widened["permissions"] == [{"and_rules": {"rules": [{"or_rules": {"rules": [{"destination_port": 9000}]}}]}}]
    assert widened["principals"] == ANY_SOURCE


def test_principals_are_repeated_for_aliases_of_the_trust_domain() -> None:
    """A principal of the mesh's trust domain stands for its aliases; one of a foreign domain is as it is."""
    domains = ["new.test", "old.test"]
    assert replace_aliases(["old.test/ns/a/sa/b"], domains) == ["new.test/ns/a/sa/b", "old.test/ns/a/sa/b"]
    assert replace_aliases(["cluster.local/ns/a/sa/b"], domains) == ["new.test/ns/a/sa/b", "old.test/ns/a/sa/b"]
    assert replace_aliases(["far.test/ns/a/sa/b", "*"], domains) == ["far.test/ns/a/sa/b", "*"]
    assert expand_aliases(["old.test", "far.test"], domains) == ["new.test", "old.test", "far.test"]


def test_policies_are_enforced_in_the_order_audit_deny_allow() -> None:
    """An HTTP chain holds one RBAC filter per action, in the order in which Istio evaluates them."""
    made = mesh(
        SERVICE,
        policy("{action: ALLOW, rules: [{}]}", name="a"),
        policy("{action: DENY, rules: [{}]}", name="b"),
        policy("{action: AUDIT, rules: [{}]}", name="c"),
    )
    [chain, _] = inbound_chains(made, 8080)
    rules = [
        item["typed_config"]["rules"]
        for item in chain["filters"][-1]["typed_config"]["http_filters"]
        if item["name"] == "envoy.filters.http.rbac"
    ]
    assert [rule.get("action", "ALLOW") for rule in rules] == ["LOG", "DENY", "ALLOW"]
    assert [list(rule["policies"]) for rule in rules] == [[f"ns[shop]-policy[{name}]-rule[0]"] for name in "cba"]


def test_policy_without_rules_never_matches() -> None:
    """An ALLOW policy without rules allows nothing."""
    chain = inbound_chains(mesh(SERVICE, policy("{}")), 9000)[0]
    rbac = next(item for item in chain["filters"] if item["name"] == "envoy.filters.network.rbac")["typed_config"]
    [never] = rbac["rules"]["policies"].values()
    assert never["permissions"] == [{"not_rule": {"any": True}}]
    assert filter_names(chain) == ["metadata_exchange", "rbac", "stats", "tcp_proxy"]


def test_dry_run_is_only_reported() -> None:
    """A policy in dry run has shadow rules under a prefix of its action, and enforces nothing."""
    made = mesh(SERVICE, policy("{action: DENY, rules: [{}]}", annotations='{istio.io/dry-run: "true"}'))
    rbac = http_filters(inbound_chains(made, 8080)[0])["rbac"]
    assert "rules" not in rbac
    assert rbac["shadow_rules"]["action"] == "DENY"
    assert rbac["shadow_rules_stat_prefix"] == "istio_dry_run_deny_"


def test_custom_policy_of_an_unknown_provider_denies() -> None:
    """A CUSTOM policy whose provider does not exist denies what it selects."""
    rbac = http_filters(
        inbound_chains(mesh(SERVICE, policy("{action: CUSTOM, provider: {name: lost}, rules: [{}]}")), 8080)[0]
    )
    [name] = rbac["rbac"]["rules"]["policies"]
    assert rbac["rbac"]["rules"]["action"] == "DENY"
    assert name == "istio-ext-authz-lost-ns[shop]-policy[rule]-rule[0]-deny-due-to-bad-CUSTOM-action"


def test_tokens_may_be_missing_but_not_invalid() -> None:
    """A RequestAuthentication asks for a valid token of its issuer or none, and knows no key that it cannot fetch."""
    made = mesh(
        SERVICE,
        """
        apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: {name: jwt, namespace: shop}
        spec: {jwtRules: [{issuer: b.test, jwks: '{"keys": []}'}, {issuer: a.test, jwksUri: "https://a.test/keys"}]}
        """,
    )
    jwt = http_filters(inbound_chains(made, 8080)[0])["jwt_authn"]
    assert [provider["issuer"] for provider in jwt["providers"].values()] == ["a.test", "b.test"]
    assert "RSA" in jwt["providers"]["origins-0"]["local_jwks"]["inline_string"]
    assert jwt["providers"]["origins-1"]["local_jwks"] == {"inline_string": '{"keys": []}'}
    [rule] = jwt["rules"]
    names = [item.get("provider_name") for item in rule["requires"]["requires_any"]["requirements"]]
    assert names == ["origins-0", "origins-1", None]
