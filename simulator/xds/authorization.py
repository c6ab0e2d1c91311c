"""AuthorizationPolicies of a workload → RBAC and ext_authz filters, for HTTP and for TCP.

istiod: pilot/pkg/security/authz/builder/builder.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.policies import AuthorizationPolicies
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import typed
from simulator.xds.ext_authz import MATCH_PREFIX, STAT_PREFIX, InvalidProvider, ext_authz
from simulator.xds.rbac import NEVER, rule_policy
from simulator.xds.rbac_attributes import RuleContext

HTTP_RBAC, TCP_RBAC = "envoy.filters.http.rbac", "envoy.filters.network.rbac"
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_SHADOW_PREFIX = {"ALLOW": "istio_dry_run_allow_", "DENY": "istio_dry_run_deny_", "LOG": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationFilters:
    """The filters of one workload; CUSTOM ones stand before authentication, the others after it."""

    custom_http: tuple[Json, ...] = ()
    custom_tcp: tuple[Json, ...] = ()
    http: tuple[Json, ...] = ()
    tcp: tuple[Json, ...] = ()


@dataclass(slots=True)
class _Rules:
    """Policies of one action, the enforced ones apart from those in dry run."""

    enforced: Json = field(default_factory=dict)
    shadow: Json = field(default_factory=dict)
    has_enforced: bool = False
    has_shadow: bool = False


def authorization_filters(
    snapshot: Snapshot, policies: AuthorizationPolicies, *, filter_state: bool = False
) -> AuthorizationFilters:
    """Build all filters; `filter_state` where the peer's identity was established by another listener."""
    return AuthorizationFilters(
        custom_http=_custom(snapshot, policies.custom, tcp=False, filter_state=filter_state),
        custom_tcp=_custom(snapshot, policies.custom, tcp=True, filter_state=filter_state),
        http=_local(snapshot, policies, tcp=False, filter_state=filter_state),
        tcp=_local(snapshot, policies, tcp=True, filter_state=filter_state),
    )


def tunnel_filters(snapshot: Snapshot, policies: AuthorizationPolicies) -> tuple[Json, ...]:
    """Build HTTP filters that check what TCP shows, for the requests that open tunnels to a waypoint."""
    return _local(snapshot, policies, tcp=True, filter_state=False, on_http=True)


def _domains(snapshot: Snapshot) -> list[str]:
    mesh = snapshot.mesh
    return [mesh.get("trustDomain") or snapshot.trust_domain, *(mesh.get("trustDomainAliases") or ())]


def _local(
    snapshot: Snapshot, policies: AuthorizationPolicies, *, tcp: bool, filter_state: bool, on_http: bool = False
) -> tuple[Json, ...]:
    """Build a filter per action; `on_http` puts rules for TCP into HTTP filters."""
    filters = []
    for action, chosen in (("LOG", policies.audit), ("DENY", policies.deny), ("ALLOW", policies.allow)):
        if chosen:
            rules = _rules(snapshot, chosen, action=action, tcp=tcp, filter_state=filter_state)
            filters.append(_rbac_filter(rules, action, tcp=tcp and not on_http))
    return tuple(filters)


def _rbac_filter(rules: _Rules, action: str, *, tcp: bool) -> Json:
    # Without shadow rules istiod reads the action of an empty message, which is ALLOW.
    prefix = _SHADOW_PREFIX[action if rules.has_shadow else "ALLOW"]
    return _filter(
        tcp=tcp,
        rules=_rbac(action, rules.enforced) if rules.has_enforced else None,
        shadow_rules=_rbac(action, rules.shadow) if rules.has_shadow else None,
        shadow_rules_stat_prefix=prefix,
    )


def _filter(*, tcp: bool, **fields: object) -> Json:
    if tcp:
        return typed(TCP_RBAC, "envoy.extensions.filters.network.rbac.v3.RBAC", stat_prefix="tcp.", **fields)
    return typed(HTTP_RBAC, "envoy.extensions.filters.http.rbac.v3.RBAC", **fields)


def _rbac(action: str, policies: Json) -> Json:
    named: Json = {} if action == "ALLOW" else {"action": action}
    return {**named, "policies": policies} if policies else named


def _rules(
    snapshot: Snapshot, policies: Sequence[Resource], *, action: str, tcp: bool, filter_state: bool, prefix: str = ""
) -> _Rules:
    rules = _Rules()
    domains = _domains(snapshot)
    for policy in policies:
        shadow = policy.annotations.get("istio.io/dry-run") in _TRUE
        rules.has_shadow |= shadow
        rules.has_enforced |= not shadow
        target = rules.shadow if shadow else rules.enforced
        context = RuleContext(tcp=tcp, filter_state=filter_state, namespace=policy.namespace)
        own = policy.spec.get("rules") or ()
        for index, rule in enumerate(own):
            built = rule_policy(rule or {}, allow=action == "ALLOW", domains=domains, context=context)
            if built is not None:
                target[_name(policy, index, prefix)] = built
        if not own:
            target[_name(policy, 0, prefix)] = NEVER
    return rules


def _name(policy: Resource, index: int, prefix: str) -> str:
    return f"{prefix}ns[{policy.namespace}]-policy[{policy.name}]-rule[{index}]"


def _custom(snapshot: Snapshot, policies: Sequence[Resource], *, tcp: bool, filter_state: bool) -> tuple[Json, ...]:
    """Build a pair of filters per provider: RBAC marks what its policies select, ext_authz asks for that."""
    by_provider: dict[str, list[Resource]] = {}
    for policy in policies:
        by_provider.setdefault((policy.spec.get("provider") or {}).get("name") or "", []).append(policy)
    several = len(by_provider) > 1 and not snapshot.flag("PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS", default=False)
    filters: list[Json] = []
    for name in sorted(by_provider):
        prefix = f"{MATCH_PREFIX}-{name}-" if name else f"{MATCH_PREFIX}-"
        rules = _rules(snapshot, by_provider[name], action="DENY", tcp=tcp, filter_state=filter_state, prefix=prefix)
        try:
            if several:
                raise InvalidProvider(name)
            asked = ext_authz(snapshot, name, tcp=tcp)
        except InvalidProvider:
            filters.append(_filter(tcp=tcp, rules=_rbac("DENY", _denied(rules.enforced))))
            continue
        if asked is not None:
            filters += [_marking_filter(rules, tcp=tcp), asked]
    return tuple(filters)


def _denied(policies: Json) -> Json:
    return {f"{key}-deny-due-to-bad-CUSTOM-action": policy for key, policy in policies.items()}


def _marking_filter(rules: _Rules, *, tcp: bool) -> Json:
    return _filter(
        tcp=tcp,
        rules=_rbac("DENY", rules.shadow) if rules.shadow else None,
        shadow_rules=_rbac("DENY", rules.enforced),
        shadow_rules_stat_prefix=STAT_PREFIX,
    )
