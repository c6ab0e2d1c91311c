"""RequestAuthentication → the jwt_authn filter (istiod: pilot/pkg/security/authn/policy_applier.go)."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from simulator.model import names
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import message, optional_duration, typed
from simulator.xds.provider_clusters import provider_cluster
from simulator.xds.rbac_matchers import JWT_FILTER

UNFETCHED_JWKS = """{
  "keys": [
    {
      "kty": "RSA",
      "e": "AQAB",
      "n": "0xObjM0UvS_oaazjpEYlAbwctEJ4L8pH3OuTb7qth7gUwqet-EzQB4dgFdvSdMgrLnSncQGRjpEYz3F3viIbH-3EN3TxSlPNviHxeOdyiBV\
fumN8dMxbLvVJUpfNOnvmMxJcl-8NNjAwcOjk4otSALaYgYYyOPyvKtgVdrQr-FoubWX4yrjxW-MJ2-7OBeepUUNOsVwGV23YX03sVkkyvY3otRflkBcY3_\
HKpBxJl9wk2GyOShN4_PNUF9-vwfnvOXMbCDX-w4PTef4geeb_GiT40YCKHTKMSPVanGRn5GExIWmki-mmqh94-mPTJyBR74ShspL3BxPZitDL574T1w"
    }
  ]
}"""
"""The key that istiod sends when it could not fetch a key set: nobody can sign for it, so every token is refused.

Keys behind a `jwksUri` are not in the manifests, so here that is always the case.
"""
_DEFAULT_CLAIMS = ("permission", "scope")


def jwt_filters(snapshot: Snapshot, policies: Sequence[Resource], *, clear_route_cache: bool) -> tuple[Json, ...]:
    """Return the filter for all rules of `policies`, sorted by issuer; none when there are no rules.

    A token may be missing; one that is there must be valid for its issuer.
    """
    rules = [rule for policy in policies for rule in policy.spec.get("jwtRules") or ()]
    if not rules:
        return ()
    rules.sort(key=lambda rule: str(rule.get("issuer") or ""))
    providers = {
        f"origins-{index}": _provider(snapshot, rule, clear_route_cache=clear_route_cache)
        for index, rule in enumerate(rules)
    }
    optional = [_any([{"provider_name": name}, {"allow_missing": {}}]) for name in providers]
    if len(optional) == 1:
        required = optional[0]
    else:
        every = {"requires_all": {"requirements": optional}}
        required = _any([*({"provider_name": name} for name in providers), every])
    built = typed(
        JWT_FILTER,
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers=providers,
        rules=[{"match": {"prefix": "/"}, "requires": required}],
        bypass_cors_preflight=True,
    )
    return (built,)


def _any(requirements: list[Json]) -> Json:
    return {"requires_any": {"requirements": requirements}}


def _provider(snapshot: Snapshot, rule: Json, *, clear_route_cache: bool) -> Json:
    claims = rule.get("spaceDelimitedClaims")
    delimited = _DEFAULT_CLAIMS if not claims else sorted({*claims, *_DEFAULT_CLAIMS})
    return message(
        issuer=rule.get("issuer"),
        audiences=rule.get("audiences"),
        forward=True if rule.get("forwardOriginalToken") else None,
        forward_payload_header=rule.get("outputPayloadToHeader"),
        payload_in_metadata="payload",
        normalize_payload_in_metadata={"space_delimited_claims": list(delimited)},
        clear_route_cache=True if clear_route_cache else None,
        claim_to_headers=[
            message(header_name=item.get("header"), claim_name=item.get("claim"))
            for item in rule.get("outputClaimToHeaders") or ()
        ],
        from_headers=[
            message(name=item.get("name"), value_prefix=item.get("prefix")) for item in rule.get("fromHeaders") or ()
        ],
        from_params=rule.get("fromParams"),
        from_cookies=rule.get("fromCookies"),
        **_keys(snapshot, rule),
    )


def _keys(snapshot: Snapshot, rule: Json) -> Json:
    uri = rule.get("jwksUri") or rule.get("jwks_uri") or ""
    mode = snapshot.flags.get("PILOT_JWT_ENABLE_REMOTE_JWKS", "false").lower()
    if not uri or mode in ("", "false", "istiod"):
        return {"local_jwks": {"inline_string": rule.get("jwks") or UNFETCHED_JWKS}}
    parts = urlsplit(uri)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    found = provider_cluster(snapshot, host, port)
    if found is None and mode == "hybrid":
        return {"local_jwks": {"inline_string": UNFETCHED_JWKS}}
    cluster = found.cluster if found else names.outbound(port=port, host=host)
    timeout = optional_duration(rule.get("timeout")) or "5s"
    return {
        "remote_jwks": {
            "http_uri": {"uri": uri, "cluster": cluster, "timeout": timeout},
            "cache_duration": "300s",
        }
    }
