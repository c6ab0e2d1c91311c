"""BackendTLSPolicies and XBackendTrafficPolicies → DestinationRules.

istiod: pilot/pkg/config/kube/gateway/backend_policies.go.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simulator.model.names import service_host
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.flags import enabled
from simulator.registry.gateway_api.certificates import holds_authority
from simulator.registry.gateway_api.listeners import MARK, PARENTS_ANNOTATION
from simulator.registry.ingress import synthetic
from simulator.registry.resource_index import ResourceIndex

_IGNORE = "istio.io/ignore-policy-attachment"
_Target = tuple[str, str, str, str]
"""Kind, namespace and name of the target, and the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Policy:
    source: Resource
    section: str = ""
    tls: Json | None = None
    retry_budget: Json | None = None


def policy_rules(index: ResourceIndex, *, flags: Mapping[str, str], domain: str) -> list[Resource]:
    """Return one DestinationRule for each target and host, of all policies for it; the oldest policy wins."""
    found: defaultdict[_Target, list[_Policy]] = defaultdict(list)
    for target, policy in _tls_policies(index, domain=domain):
        found[target].append(policy)
    if enabled(flags, "PILOT_ENABLE_ALPHA_GATEWAY_API", default=False):
        for target, policy in _traffic_policies(index, domain=domain):
            found[target].append(policy)
    return [_rule(target, sorted(policies, key=_age), index) for target, policies in found.items()]


def _age(policy: _Policy) -> tuple[str, str, str]:
    return (policy.source.created, policy.source.namespace, policy.source.name)


def _tls_policies(index: ResourceIndex, *, domain: str) -> Iterator[tuple[_Target, _Policy]]:
    taken: set[tuple[str, str, str, str]] = set()
    resources = sorted(index.of_kind("BackendTLSPolicy"), key=lambda one: (one.created, one.namespace, one.name))
    for resource in resources:
        if resource.annotations.get(_IGNORE, "").lower() == "true":
            continue
        settings = _tls(resource, index)
        for reference in resource.spec.get("targetRefs") or ():
            kind, name, section = reference.get("kind"), reference.get("name") or "", reference.get("sectionName") or ""
            hosts = _hosts(index, reference, resource.namespace, domain=domain)
            key = (str(kind), resource.namespace, name, section)
            if hosts is None or key in taken:
                continue
            taken.add(key)
            for host in hosts:
                yield (key[0], key[1], name, host), _Policy(source=resource, section=section, tls=settings)


def _tls(resource: Resource, index: ResourceIndex) -> Json:
    validation = resource.spec.get("validation") or {}
    settings: Json = {"mode": "SIMPLE", "sni": validation.get("hostname") or ""}
    names = [
        entry.get("hostname") if entry.get("type") == "Hostname" else entry.get("uri")
        for entry in validation.get("subjectAltNames") or ()
        if entry.get("type") in ("Hostname", "URI")
    ]
    if names:
        settings["subjectAltNames"] = names
    references = validation.get("caCertificateRefs") or ()
    if validation.get("wellKnownCACertificates") is None and references:
        first = references[0]
        config_map = None
        if (first.get("group") or "", first.get("kind")) == ("", "ConfigMap"):
            config_map = index.get("ConfigMap", resource.namespace, first.get("name") or "")
        usable = config_map is not None and holds_authority(config_map)
        name = f"configmap://{resource.namespace}/{first.get('name')}"
        settings["credentialName"] = name if usable else "invalid://"
    return settings


def _traffic_policies(index: ResourceIndex, *, domain: str) -> Iterator[tuple[_Target, _Policy]]:
    for resource in index.of_kind("XBackendTrafficPolicy"):
        if resource.annotations.get(_IGNORE, "").lower() == "true":
            continue
        budget: Json | None = None
        if (constraint := resource.spec.get("retryConstraint")) is not None:
            rate = constraint.get("minRetryRate") or {}
            budget = {"minRetryConcurrency": int(rate.get("count") or 10)}
            if (percent := (constraint.get("budget") or {}).get("percent")) is not None:
                budget["percent"] = percent
        for reference in resource.spec.get("targetRefs") or ():
            hosts = _hosts(index, reference, resource.namespace, domain=domain)
            if reference.get("kind") == "Service" and hosts:
                target = ("Service", resource.namespace, reference["name"], hosts[0])
                yield target, _Policy(source=resource, retry_budget=budget)


def _ports(index: ResourceIndex, kind: str, namespace: str, name: str) -> dict[str, int]:
    resource = index.get(kind, namespace, name)
    field = "port" if kind == "Service" else "number"
    ports = resource.spec.get("ports") or () if resource else ()
    return {port.get("name") or "": int(port[field]) for port in ports}


def _hosts(index: ResourceIndex, reference: Json, namespace: str, *, domain: str) -> list[str] | None:
    """Return the hosts of a policy's target; None when it, or the port that it names, is not there."""
    kind, name = (reference.get("group") or "", reference.get("kind") or ""), reference.get("name") or ""
    if kind not in (("", "Service"), ("networking.istio.io", "ServiceEntry")):
        return None
    resource = index.get(kind[1], namespace, name)
    section = reference.get("sectionName")
    if resource is None or (section and section not in _ports(index, kind[1], namespace, name)):
        return None
    if kind[1] == "Service":
        return [service_host(name=name, namespace=namespace, domain=domain)]
    return list(resource.spec.get("hosts") or ())


def _rule(target: _Target, policies: list[_Policy], index: ResourceIndex) -> Resource:
    kind, namespace, name, host = target
    numbers = _ports(index, kind, namespace, name)
    policy: Json = {}
    ports: dict[str, Json] = {}
    for one in policies:
        if one.tls is not None and one.section:
            ports.setdefault(one.section, {"port": {"number": numbers[one.section]}, "tls": one.tls})
        elif one.tls is not None:
            policy.setdefault("tls", one.tls)
        if one.retry_budget is not None:
            policy.setdefault("retryBudget", one.retry_budget)
    if ports:
        policy["portLevelSettings"] = list(ports.values())
    label = f"{name}~{host.replace('.', '-')}~{MARK}" if kind == "ServiceEntry" else f"{name}~{MARK}"
    sources = dict.fromkeys(f"{one.source.kind}/{one.source.namespace}.{one.source.name}" for one in policies)
    return synthetic(
        "DestinationRule",
        policies[0].source,
        name=label,
        namespace=namespace,
        spec={"host": host, "trafficPolicy": policy},
        annotations={PARENTS_ANNOTATION: ",".join(sources)},
    )
