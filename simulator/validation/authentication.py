"""Rules of PeerAuthentication and RequestAuthentication. istio: pkg/config/validation/validation.go."""

from simulator.model.go_text import quote
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation import names, urls
from simulator.validation.headers import strict_name
from simulator.validation.json_web_keys import keys
from simulator.validation.problems import Problems, at, error
from simulator.validation.selectors import policy_attachment, workload_selector


def validate_peer(resource: Resource) -> Problems:
    """Check a PeerAuthentication."""
    spec = resource.spec
    ports = spec.get("portLevelMtls")
    if not (spec.get("selector") or {}).get("matchLabels") and ports:
        yield error("mesh/namespace peer authentication cannot have port level mTLS", "spec", "portLevelMtls")
    for port in ports or ():
        if not str(port).isdigit() or not 0 < int(port) <= 65535:
            yield error("port must be in range 1..65535", "spec", "portLevelMtls", port)
    yield from at(("spec",), workload_selector({"selector": spec.get("selector")}))


def validate_request(resource: Resource) -> Problems:
    """Check a RequestAuthentication."""
    spec = resource.spec
    yield from at(("spec",), policy_attachment(spec))
    for number, rule in enumerate(spec.get("jwtRules") or ()):
        yield from at(("spec", "jwtRules", number), _rule(rule or {}))


def _rule(rule: Json) -> Problems:
    if "" in (rule.get("audiences") or ()):
        yield error("audience must be non-empty string", "audiences")
    uri = rule.get("jwksUri") or rule.get("jwks_uri") or ""
    if not rule.get("issuer") and not uri:
        yield error("issuer or jwksUri must be non-empty string")
    if uri:
        yield from at(("jwksUri",), _uri(uri))
    if rule.get("jwks"):
        yield from at(("jwks",), keys(rule["jwks"]))
    for header in rule.get("fromHeaders") or ():
        if not header.get("name"):
            yield error("location header name must be non-empty string", "fromHeaders")
    if "" in (rule.get("fromParams") or ()):
        yield error("location query must be non-empty string", "fromParams")
    if "" in (rule.get("fromCookies") or ()):
        yield error("cookie name must be non-empty string", "fromCookies")
    for number, output in enumerate(rule.get("outputClaimToHeaders") or ()):
        if not output.get("claim") or not output.get("header"):
            text = "outputClaimToHeaders header and claim value must be non-empty string"
            yield error(text, "outputClaimToHeaders", number)
        else:
            yield from at(("outputClaimToHeaders", number), strict_name(output["header"]))
    if rule.get("timeout") is not None:
        yield from at(("timeout",), names.duration(rule["timeout"]))


def _uri(uri: str) -> Problems:
    found = urls.parse(uri)
    if found.problem:
        yield error(found.problem)
    elif found.scheme not in ("http", "https"):
        yield error(f"URI scheme {quote(found.scheme)} is not supported")
