"""The attributes of an authorization rule, and what each value of them becomes in RBAC.

istiod: pilot/pkg/security/authz/model/generator.go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.model.go_text import quote_meta
from simulator.model.wire import Json
from simulator.xds.envoy_messages import cidr_range
from simulator.xds.rbac_matchers import (
    ANY_TEXT,
    JWT_FILTER,
    bracketed_name,
    bracketed_names,
    claim_match,
    header_match,
    list_match,
    metadata_match,
    one_of,
    path_permission,
    string_match,
)


class NotExpressible(ValueError):
    """A value cannot be checked where the rule stands: HTTP on a TCP connection, or a malformed value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """Where a rule is enforced."""

    tcp: bool
    filter_state: bool
    """The peer's identity is in filter state, since its TLS was terminated by another listener (waypoints)."""
    namespace: str
    """Of the policy."""


One = Callable[[str, str, RuleContext], Json]
"""(key, value, context) → the matcher of one value."""
Whole = Callable[[str, Sequence[str], RuleContext], Json]
"""(key, values, context) → the matcher of all values together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """How one attribute is matched: as a permission (of the request) or a principal (of its source)."""

    one: One | None = None
    whole: Whole | None = None
    permission: bool = False
    http_only: bool = False


def authenticated(match: Json, context: RuleContext) -> Json:
    """Match the identity of the peer."""
    if context.filter_state:
        return {"filter_state": {"key": "io.istio.peer_principal", "string_match": match}}
    return {"authenticated": {"principal_name": match}}


def _cidr(value: str) -> Json:
    found = cidr_range(value)
    if found is None:
        raise NotExpressible(value)
    return found


def _port(_key: str, value: str, _: RuleContext) -> Json:
    if not value.isdigit() or int(value) > 65535:
        raise NotExpressible(value)
    return {"destination_port": int(value)}


def _namespace(_key: str, value: str, context: RuleContext) -> Json:
    pattern = ".*".join(quote_meta(part) for part in value.split("*"))
    return authenticated({"safe_regex": {"regex": f".*/ns/{pattern}/.*"}}, context)


def _service_account(_key: str, value: str, context: RuleContext) -> Json:
    namespace, slash, account = value.partition("/")
    if not slash:
        namespace, account = context.namespace, value
    regex = f"spiffe://.+/ns/{quote_meta(namespace)}/(.+/|)sa/{quote_meta(account)}(/.+)?"
    return authenticated({"safe_regex": {"regex": regex}}, context)


def _trust_domain(_key: str, value: str, context: RuleContext) -> Json:
    if value == "*":
        return authenticated({"prefix": "spiffe://"}, context)
    if "*" not in value:
        return authenticated({"prefix": f"spiffe://{value}/"}, context)
    before, _, after = value.partition("*")
    return authenticated(
        {"safe_regex": {"regex": f"spiffe://{quote_meta(before)}[^/]*{quote_meta(after)}/.*"}}, context
    )


def _principal(_key: str, value: str, context: RuleContext) -> Json:
    return authenticated(string_match(value, prefix="spiffe://"), context)


def _header(key: str, value: str, _: RuleContext) -> Json:
    return {"header": header_match(bracketed_name(key.removeprefix("request.headers")), value)}


def _claims(key: str, values: Sequence[str], _: RuleContext) -> Json:
    return {"metadata": claim_match(bracketed_names(key.removeprefix("request.auth.claims")), values)}


def _named_claim(claim: str) -> Whole:
    return lambda _key, values, _context: {"metadata": claim_match([claim], values)}


def _request_principals(_key: str, values: Sequence[str], _: RuleContext) -> Json:
    pairs = [_split(value) for value in values]
    found: list[Json] = [{"and_ids": {"ids": [_jwt("iss", issuer), _jwt("sub", subject)]}} for issuer, subject in pairs]
    return found[0] if len(found) == 1 else {"or_ids": {"ids": found}}


def _jwt(claim: str, match: Json) -> Json:
    return {"metadata": metadata_match(JWT_FILTER, ["payload", claim], {"string_match": match})}


def _split(value: str) -> tuple[Json, Json]:
    """Return matchers of issuer and subject; the last slash divides, and a wildcard stands at one end only."""
    issuer, slash, subject = value.rpartition("/")
    if value == "*":
        return ANY_TEXT, ANY_TEXT
    if value.startswith("*"):
        if not slash:
            return ANY_TEXT, {"suffix": value[1:]}
        return (ANY_TEXT if issuer == "*" else {"suffix": issuer[1:]}), {"exact": subject}
    if value.endswith("*"):
        if not slash:
            return {"prefix": value[:-1]}, ANY_TEXT
        return {"exact": issuer}, (ANY_TEXT if subject == "*" else {"prefix": subject[:-1]})
    return ({"exact": issuer}, {"exact": subject}) if slash else ({"exact": value}, {"exact": ""})


def _envoy_filter(key: str, values: Sequence[str], _: RuleContext) -> Json:
    name, bracket, path = key.removeprefix("experimental.").removesuffix("]").partition("[")
    if not bracket:
        raise NotExpressible(key)
    return {"metadata": metadata_match(name, [path], one_of([_metadata_value(value) for value in values]))}


def _metadata_value(value: str) -> Json:
    if value.startswith("[") and value.endswith("]"):
        return list_match({"string_match": string_match(value.strip("[]"))})
    return {"string_match": string_match(value)}


HOSTS = Attribute(
    permission=True,
    http_only=True,
    one=lambda _key, value, _: {"header": header_match(":authority", value, ignore_case=True)},
)
METHODS = Attribute(
    permission=True, http_only=True, one=lambda _key, value, _: {"header": header_match(":method", value)}
)
PATHS = Attribute(permission=True, http_only=True, one=lambda _key, value, _: path_permission(value))
PORTS = Attribute(permission=True, one=_port)
DESTINATION_IP = Attribute(permission=True, one=lambda _key, value, _: {"destination_ip": _cidr(value)})
SNI = Attribute(permission=True, one=lambda _key, value, _: {"requested_server_name": string_match(value)})
ENVOY_FILTER = Attribute(permission=True, whole=_envoy_filter)
SOURCE_IP = Attribute(one=lambda _key, value, _: {"direct_remote_ip": _cidr(value)})
REMOTE_IP = Attribute(one=lambda _key, value, _: {"remote_ip": _cidr(value)})
NAMESPACE = Attribute(one=_namespace)
TRUST_DOMAIN = Attribute(one=_trust_domain)
SERVICE_ACCOUNT = Attribute(one=_service_account)
PRINCIPAL = Attribute(one=_principal)
REQUEST_PRINCIPAL = Attribute(http_only=True, whole=_request_principals)
AUDIENCES = Attribute(http_only=True, whole=_named_claim("aud"))
PRESENTER = Attribute(http_only=True, whole=_named_claim("azp"))
HEADER = Attribute(http_only=True, one=_header)
CLAIMS = Attribute(http_only=True, whole=_claims)

_CONDITIONS = {
    "destination.ip": DESTINATION_IP,
    "destination.port": PORTS,
    "connection.sni": SNI,
    "source.ip": SOURCE_IP,
    "remote.ip": REMOTE_IP,
    "source.namespace": NAMESPACE,
    "source.trustDomain": TRUST_DOMAIN,
    "source.serviceAccount": SERVICE_ACCOUNT,
    "source.principal": PRINCIPAL,
    "request.auth.principal": REQUEST_PRINCIPAL,
    "request.auth.audiences": AUDIENCES,
    "request.auth.presenter": PRESENTER,
}
_PREFIXED = {
    "experimental.envoy.filters.": ENVOY_FILTER,
    "request.headers": HEADER,
    "request.auth.claims": CLAIMS,
}


def condition(key: str) -> Attribute | None:
    """Return the attribute of a `when` key; None for keys that istiod does not know."""
    if key in _CONDITIONS:
        return _CONDITIONS[key]
    return next((attribute for prefix, attribute in _PREFIXED.items() if key.startswith(prefix)), None)
