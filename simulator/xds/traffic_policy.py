"""Which part of a DestinationRule's traffic policy applies to a port and a subset.

istiod: pilot/pkg/networking/util/util.go (GetPortLevelTrafficPolicy, MergeSubsetTrafficPolicy).
"""

from simulator.model.wire import Json
from simulator.registry.scopes import DestinationRule

_PORT_COMPONENTS = ("connectionPool", "outlierDetection", "loadBalancer", "tls")
_POLICY_COMPONENTS = ("tunnel", "proxyProtocol", "retryBudget")


def rule_policy(rule: DestinationRule | None, port: int) -> Json | None:
    """Return the rule's policy for a port; None when the rule sets none."""
    return port_policy(rule.spec.get("trafficPolicy"), port) if rule else None


def rule_subset(rule: DestinationRule | None, name: str) -> Json | None:
    """Return a subset of the rule by name."""
    for subset in (rule.spec.get("subsets") if rule else None) or ():
        if subset.get("name") == name:
            found: Json = subset
            return found
    return None


def resolved_policy(rule: DestinationRule | None, *, port: int, subset: str) -> Json | None:
    """Return the policy of a subset's port; the empty subset is the service itself."""
    policy = rule_policy(rule, port)
    chosen = rule_subset(rule, subset) if subset else None
    return with_subset(policy, (chosen or {}).get("trafficPolicy"), port)


def port_policy(policy: Json | None, port: int) -> Json | None:
    """Return the policy for a port: an entry of the port inherits nothing from the policy around it."""
    entry = _port_entry(policy, port)
    if entry is None:
        return policy
    return {key: value for key, value in entry.items() if key != "port"}


def with_subset(policy: Json | None, subset_policy: Json | None, port: int) -> Json | None:
    """Lay a subset's policy over the rule's (already that of the port), component by component."""
    if subset_policy is None:
        return policy
    own = port_policy(subset_policy, port) or {}
    if policy is None:
        return own
    replaces_all = _port_entry(subset_policy, port) is not None
    merged = dict(policy)
    merged.pop("portLevelSettings", None)
    for component in _PORT_COMPONENTS:
        if own.get(component) is not None:
            merged[component] = own[component]
        elif replaces_all:
            merged.pop(component, None)
    merged.update({component: own[component] for component in _POLICY_COMPONENTS if own.get(component) is not None})
    return merged


def simple_balancer(policy: Json | None) -> str:
    """Return `loadBalancer.simple`, empty when unset."""
    return str(((policy or {}).get("loadBalancer") or {}).get("simple") or "")


def _port_entry(policy: Json | None, port: int) -> Json | None:
    for entry in (policy or {}).get("portLevelSettings") or ():
        if (entry.get("port") or {}).get("number") == port:
            return dict(entry)
    return None
