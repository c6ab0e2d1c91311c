"""What does a pod accept from its peers?

istioctl: pkg/describe/describe.go (describePeerAuthentication); istiod: pilot/pkg/security/authn/policy_applier.go.
"""

from collections.abc import Sequence

from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, oldest_first, selector, spec
from kubectl_mesh.diagnosis.policy_enforcement import enforcement, ordered_terms, policies_by_action
from kubectl_mesh.reports.describe import PeerAuthenticationReport, RuleReport
from simulator.model.labels import selects
from simulator.model.wire import Json

_UNSET = (None, "", "UNSET")


def peer_authentication(lookup: Lookup, pod: Json) -> PeerAuthenticationReport:
    """Merge the PeerAuthentications that apply to a pod: mesh, then namespace, then workload."""
    root, home = lookup.root_namespace, namespace_of(pod)
    candidates = lookup.all("PeerAuthentication", root)
    candidates += lookup.all("PeerAuthentication", home) if home != root else []
    applied = [each for each in candidates if selects(selector(each), labels(pod))]
    mode, ports = "PERMISSIVE", {}
    plain = [each for each in oldest_first(applied) if not selector(each)]
    chosen = [each for each in oldest_first(applied) if selector(each) and namespace_of(each) == home]
    for namespace in dict.fromkeys((root, home)):
        found = next((each for each in plain if namespace_of(each) == namespace), None)
        mode = _mode(found, mode)
    if chosen:
        mode = _mode(chosen[0], mode)
        ports = {
            int(port): mode if (setting or {}).get("mode") in _UNSET else str(setting["mode"])
            for port, setting in (spec(chosen[0]).get("portLevelMtls") or {}).items()
        }
    return PeerAuthenticationReport(
        mode=mode,
        ports=tuple(sorted(ports.items())),
        applied=tuple(f"{name_of(each)}.{namespace_of(each)}" for each in applied),
    )


def _mode(resource: Json | None, inherited: str) -> str:
    mode = (spec(resource or {}).get("mtls") or {}).get("mode")
    return inherited if mode in _UNSET else str(mode)


def sidecar_of(lookup: Lookup, pod: Json) -> str:
    """Name the Sidecar resource that limits what a pod's proxy sees; empty without one."""
    root, home = lookup.root_namespace, namespace_of(pod)
    for namespace in dict.fromkeys((home, root)):
        found = oldest_first(lookup.all("Sidecar", namespace))
        for sidecar in found:
            selector = (spec(sidecar).get("workloadSelector") or {}).get("labels")
            if selector and namespace == home and selects(selector, labels(pod)):
                return lookup.called(sidecar)
        for sidecar in found:
            if not spec(sidecar).get("workloadSelector"):
                return lookup.called(sidecar)
    return ""


def authorization(lookup: Lookup, pod: Json, services: Sequence[Json]) -> tuple[RuleReport, ...]:
    """Return what each AuthorizationPolicy for a pod allows or denies, one entry per rule."""
    reports = []
    for policy, enforcer in policies_by_action(lookup, pod, services):
        rules = [rule or {} for rule in listed(spec(policy).get("rules"))]
        for rule in rules or [None]:
            reports.append(
                RuleReport(
                    policy=lookup.called(policy),
                    action=str(spec(policy).get("action") or "ALLOW"),
                    words=rule_in_words(rule) if rule is not None else "nothing",
                    enforced=enforcement(policy, rule or {}, enforcer),
                )
            )
    return tuple(reports)


def rule_in_words(rule: Json) -> str:
    """Write an authorization rule as a sentence."""
    parts = []
    operations = [_terms(item.get("operation") or {}) for item in listed(rule.get("to"))]
    sources = [_terms(item.get("source") or {}) for item in listed(rule.get("from"))]
    parts.append(" or ".join(operations) or "any request")
    if sources:
        parts.append(f"from {' or '.join(sources)}")
    conditions = [_condition(item) for item in listed(rule.get("when"))]
    if conditions:
        parts.append(f"when {' and '.join(conditions)}")
    return " ".join(parts)


def _terms(terms: Json) -> str:
    words = [f"{_spaced(name)} {', '.join(map(str, values))}" for name, values in ordered_terms(terms) if values]
    return " and ".join(words) or "any"


def _condition(condition: Json) -> str:
    words = []
    if condition.get("values"):
        words.append(f"{condition.get('key')} is {', '.join(map(str, condition['values']))}")
    if condition.get("notValues"):
        words.append(f"{condition.get('key')} is not {', '.join(map(str, condition['notValues']))}")
    return " and ".join(words)


def _spaced(name: str) -> str:
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name)
