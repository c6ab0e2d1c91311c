"""AuthorizationPolicies and PeerAuthentications as ztunnel gets them (istio.security.Authorization), in proto-JSON.

istiod: pilot/pkg/serviceregistry/ambient (policies.go, authorization.go). ztunnel knows connections only: an ALLOW rule
that asks for more never matches and is left out, a DENY rule holds without what it cannot check.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence

from simulator.model.labels import Labels, selects
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.flags import enabled
from simulator.registry.policy_selection import selector_of, target_refs
from simulator.registry.snapshot import Snapshot
from simulator.xds.ztunnel_services import packed

STRICT_POLICY = "istio_converted_static_strict"
_CONVERTED = "converted_peer_authentication_"
_HTTP_OPERATIONS = ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths")
_HTTP_SOURCES = ("remoteIpBlocks", "notRemoteIpBlocks", "requestPrincipals", "notRequestPrincipals")
_CONDITIONS = {
    "source.namespace": ("namespaces", "notNamespaces"),
    "source.principal": ("principals", "notPrincipals"),
    "source.ip": ("sourceIps", "notSourceIps"),
    "destination.port": ("destinationPorts", "notDestinationPorts"),
    "destination.ip": ("destinationIps", "notDestinationIps"),
}
_NO_PEER: Json = {"matches": [{"notPrincipals": [{"presence": {}}]}]}


def ztunnel_policies(snapshot: Snapshot) -> Iterator[Json]:
    """Yield every policy that ztunnel may enforce."""
    for policy in snapshot.resources("AuthorizationPolicy"):
        if is_enforced(policy, snapshot):
            yield _authorization(policy, root_namespace=snapshot.root_namespace)
    peers = snapshot.resources("PeerAuthentication")
    for peer in peers:
        if (converted := _peer(peer, snapshot)) is not None:
            yield converted
    if peers:
        yield {
            "name": STRICT_POLICY,
            "namespace": snapshot.root_namespace,
            "scope": "WORKLOAD_SELECTOR",
            "action": "DENY",
            "groups": [{"rules": [_NO_PEER]}],
        }


def is_enforced(policy: Resource, snapshot: Snapshot) -> bool:
    """Tell whether ztunnel gets an AuthorizationPolicy: it allows or denies, and is attached to no waypoint."""
    if target_refs(policy) or (policy.spec.get("action") or "ALLOW") not in ("ALLOW", "DENY"):
        return False
    if not enabled(policy.annotations, "istio.io/dry-run", default=False):
        return True
    return snapshot.flag("AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY", default=False)


def workload_policies(snapshot: Snapshot, namespace: str, labels: Labels) -> list[str]:
    """Return the names of the policies that select a workload; those for whole namespaces are not attached.

    A policy whose selector is empty selects nothing, though ztunnel gets it as one that selects. A workload without
    labels gets all others: krt's filter by labels does nothing when there are none.
    """
    root = snapshot.root_namespace
    owners = dict.fromkeys((root, namespace))
    selecting = [
        f"{policy.namespace}/{policy.name}"
        for owner in owners
        for policy in snapshot.resources("AuthorizationPolicy", owner)
        if (selector := selector_of(policy))
        and is_enforced(policy, snapshot)
        and (not labels or selects(selector, labels))
    ]
    return [*sorted(selecting), *_peer_keys(snapshot, namespace, labels)]


def _authorization(policy: Resource, *, root_namespace: str) -> Json:
    action = policy.spec.get("action") or "ALLOW"
    document: Json = {"name": policy.name, "namespace": policy.namespace}
    if selector_of(policy) is not None:
        document["scope"] = "WORKLOAD_SELECTOR"
    elif policy.namespace != root_namespace:
        document["scope"] = "NAMESPACE"
    if action == "DENY":
        document["action"] = action
    if enabled(policy.annotations, "istio.io/dry-run", default=False):
        document["dryRun"] = True
    rules = (_rule(rule, policy.namespace, allow=action == "ALLOW") for rule in policy.spec.get("rules") or ())
    groups = [{"rules": rule} if rule else {} for rule in rules if rule is not None]
    return {**document, "groups": groups} if groups else document


def _rule(rule: Json, namespace: str, *, allow: bool) -> list[Json] | None:
    operations = [entry.get("operation") or {} for entry in rule.get("to") or ()]
    sources = [entry.get("source") or {} for entry in rule.get("from") or ()]
    conditions = rule.get("when") or ()
    http = any(one.get(field) for one in operations for field in _HTTP_OPERATIONS)
    http |= any(one.get(field) for one in sources for field in _HTTP_SOURCES)
    http |= any(condition.get("key") not in _CONDITIONS for condition in conditions)
    if allow and http:
        return None
    rules: list[Json] = []
    if operations:
        rules.append({"matches": [_operation(one) for one in operations]})
    if sources:
        rules.append({"matches": [_source(one, namespace) for one in sources]})
    rules += [{"matches": [_condition(condition)]} for condition in conditions]
    return rules


def _operation(operation: Json) -> Json:
    return _filled(
        destinationPorts=_ports(operation.get("ports") or ()),
        notDestinationPorts=_ports(operation.get("notPorts") or ()),
    )


def _source(source: Json, namespace: str) -> Json:
    return _filled(
        sourceIps=_addresses(source.get("ipBlocks") or ()),
        notSourceIps=_addresses(source.get("notIpBlocks") or ()),
        namespaces=_strings(source.get("namespaces") or ()),
        notNamespaces=_strings(source.get("notNamespaces") or ()),
        serviceAccounts=_accounts(source.get("serviceAccounts") or (), namespace),
        notServiceAccounts=_accounts(source.get("notServiceAccounts") or (), namespace),
        principals=_strings(source.get("principals") or ()),
        notPrincipals=_strings(source.get("notPrincipals") or ()),
    )


def _condition(condition: Json) -> Json:
    names = _CONDITIONS.get(condition.get("key") or "")
    if names is None:
        return {}
    read = _ports if names[0].endswith("Ports") else _addresses if names[0].endswith("Ips") else _strings
    values = (condition.get("values") or (), condition.get("notValues") or ())
    return _filled(**{name: read(value) for name, value in zip(names, values, strict=True)})


def _filled(**fields: Sequence[object]) -> Json:
    return {name: value for name, value in fields.items() if value}


def _strings(values: Sequence[str]) -> list[Json]:
    return [_string(value) for value in values]


def _string(value: str) -> Json:
    if value == "*":
        return {"presence": {}}
    if value.startswith("*"):
        return {"suffix": value[1:]}
    return {"prefix": value[:-1]} if value.endswith("*") else {"exact": value}


def _accounts(values: Sequence[str], namespace: str) -> list[Json]:
    pairs = (value.partition("/") if "/" in value else (namespace, "/", value) for value in values)
    return [{"namespace": owner, "serviceAccount": account} for owner, _, account in pairs]


def _ports(values: Sequence[str]) -> Sequence[object]:
    return [int(value) for value in values if str(value).isdigit() and int(value) <= 65535]


def _addresses(values: Sequence[str]) -> list[Json]:
    found = []
    for value in values:
        try:
            interface = ipaddress.ip_interface(value)
        except ValueError:
            continue
        found.append({"address": packed([str(interface.ip)])[0], "length": interface.network.prefixlen})
    return found


def _mode(peer: Resource | None) -> str:
    return (peer.spec.get("mtls") or {}).get("mode") or "UNSET" if peer is not None else "UNSET"


def _port_modes(peer: Resource) -> Mapping[int, str]:
    levels = peer.spec.get("portLevelMtls") or {}
    return {int(port): (levels[port] or {}).get("mode") or "UNSET" for port in sorted(levels, key=int)}


def _wide(snapshot: Snapshot, namespace: str, *, own: bool = False) -> Resource | None:
    """Return the PeerAuthentication of a whole namespace; to its `own` workloads one with an empty selector is one."""
    found = snapshot.resources("PeerAuthentication", namespace)
    return next((one for one in found if selector_of(one) is None or (own and not selector_of(one))), None)


def _peer_keys(snapshot: Snapshot, namespace: str, labels: Labels) -> list[str]:
    """Return the policies that a workload's effective PeerAuthentication comes to."""
    root = snapshot.root_namespace
    strict = _mode(_wide(snapshot, root, own=namespace == root)) == "STRICT"
    if namespace != root and (mode := _mode(_wide(snapshot, namespace, own=True))) != "UNSET":
        strict = mode == "STRICT"
    own, name = None, ""
    if namespace != root:
        found = [one for one in snapshot.resources("PeerAuthentication", namespace) if selector_of(one)]
        selecting = [one for one in found if selects(selector_of(one) or {}, labels)]
        own = min(selecting, key=lambda one: one.created, default=None)
    if own is not None:
        strict = {"STRICT": True, "UNSET": strict}.get(_mode(own), False)
        modes = set(_port_modes(own).values())
        opened = {"PERMISSIVE"} if _mode(own) == "UNSET" else {"PERMISSIVE", "DISABLE"}
        if modes & (opened if strict else {"STRICT"}):
            name, strict = f"{own.namespace}/{_CONVERTED}{own.name}", False
    return sorted([*([f"{root}/{STRICT_POLICY}"] if strict else []), *([name] if name else [])])


def _peer(peer: Resource, snapshot: Snapshot) -> Json | None:
    """Convert a PeerAuthentication with port levels; None when it reduces to a simpler one, or to none."""
    root = snapshot.root_namespace
    ports = _port_modes(peer)
    if peer.namespace == root or peer.spec.get("selector") is None or not ports:
        return None
    wide = _wide(snapshot, peer.namespace)
    mode, namespace, mesh = _mode(peer), _mode(wide), _mode(_wide(snapshot, root))
    mesh_strict = namespace == "UNSET" and mesh == "STRICT"
    inherits_strict = namespace == "STRICT" or mesh_strict
    covered = mode == "STRICT" or (mode == "UNSET" and namespace == "STRICT") or mesh_strict
    exempts = mode == "STRICT" or (mode == "UNSET" and (mesh if wide is None else namespace) == "STRICT")
    rules, groups, opened = [_NO_PEER] if mode == "STRICT" else [], [], False
    for port, level in ports.items():
        if level == "STRICT" and not covered:
            groups.append({"rules": [{"matches": [{"notPrincipals": [{"presence": {}}], "destinationPorts": [port]}]}]})
        elif level in ("PERMISSIVE", "DISABLE") and exempts:
            opened = True
            rules.append({"matches": [{"notDestinationPorts": [port]}]})
    if (mode == "STRICT" and not opened) or not (rules or groups):
        return None
    if inherits_strict and opened:
        rules.append(_NO_PEER)
    if rules:
        groups.append({"rules": rules})
    return {
        "name": f"{_CONVERTED}{peer.name}",
        "namespace": peer.namespace,
        "scope": "WORKLOAD_SELECTOR",
        "action": "DENY",
        "groups": groups,
    }
