"""Where is each rule for a pod enforced, and is all of it?

istiod: pilot/pkg/serviceregistry/ambient/authorization.go (convertAuthorizationPolicy, handleRule): ztunnel does
not read HTTP; it drops rules that need it from an ALLOW policy, and enforces the other conditions of a DENY policy.
"""

from collections.abc import Iterator, Sequence

from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.lookup import Lookup, meta, spec
from kubectl_mesh.diagnosis.pod_policies import Enforcer, authorization_policies
from simulator.model.wire import Json

_ORDER = ("CUSTOM", "DENY", "ALLOW", "AUDIT")
_OF_HTTP = frozenset(
    {
        *("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"),
        *("remoteIpBlocks", "notRemoteIpBlocks", "requestPrincipals", "notRequestPrincipals"),
    }
)
_FIELDS = (
    *("hosts", "ports", "methods", "paths"),
    *("principals", "requestPrincipals", "serviceAccounts", "namespaces", "ipBlocks", "remoteIpBlocks"),
)
_OF_CONNECTIONS = ("source.ip", "source.namespace", "source.principal", "destination.ip", "destination.port")
_DRY_RUN = "istio.io/dry-run"


def policies_by_action(lookup: Lookup, pod: Json, services: Sequence[Json]) -> list[tuple[Json, Enforcer]]:
    """Return the policies for a pod with their enforcers, in the order in which Envoy evaluates the actions."""
    found = authorization_policies(lookup, pod, services)
    return sorted(found, key=lambda each: _ORDER.index(action_of(each[0])))


def action_of(policy: Json) -> str:
    """Return the action of a policy; an unknown one counts as ALLOW."""
    action = str(spec(policy).get("action") or "ALLOW")
    return action if action in _ORDER else "ALLOW"


def ordered_terms(terms: Json) -> list[tuple[str, Json]]:
    """Return the fields of an operation or a source in the order of the API, each followed by its `not…` field."""
    place = {name: index for index, name in enumerate(_FIELDS)}
    return sorted(terms.items(), key=lambda item: (place.get(_plain(item[0]), len(place)), item[0].startswith("not")))


def _plain(field: str) -> str:
    return field[3].lower() + field[4:] if field.startswith("not") and field[3:4].isupper() else field


def enforcement(policy: Json, rule: Json, enforcer: Enforcer) -> str:
    """Return where a rule is enforced, or why it is not; empty where the pod's own proxy enforces all of it."""
    if str((meta(policy).get("annotations") or {}).get(_DRY_RUN)).lower() in ("true", "1", "t"):
        return "not enforced: dry run"
    if not enforcer.is_ztunnel:
        return f"at {enforcer.name}" if enforcer.name else ""
    action = action_of(policy)
    if action not in ("ALLOW", "DENY"):
        return f"not enforced: ztunnel knows no {action}"
    fields = ", ".join(dict.fromkeys(_http(rule)))
    if not fields:
        return "at ztunnel"
    if action == "ALLOW":
        return f"not enforced: ztunnel reads no {fields}"
    return f"at ztunnel, without {fields}: denies more than it says"


def _http(rule: Json) -> Iterator[str]:
    for part in listed(rule.get("to")):
        yield from (name for name, value in (part.get("operation") or {}).items() if value and name in _OF_HTTP)
    for part in listed(rule.get("from")):
        yield from (name for name, value in (part.get("source") or {}).items() if value and name in _OF_HTTP)
    for condition in listed(rule.get("when")):
        if condition.get("key") not in _OF_CONNECTIONS:
            yield str(condition.get("key") or "")
