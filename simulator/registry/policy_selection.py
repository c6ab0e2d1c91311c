"""Which policies a workload gets: by selector, or by reference to its gateway or service.

istiod: pilot/pkg/model/policyattachment.go (ShouldAttachPolicy).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from simulator.model.labels import GATEWAY_NAME, Labels, selects
from simulator.model.resources import Resource
from simulator.model.services import Registry, Service
from simulator.model.wire import Json

_GATEWAY_API = "gateway.networking.k8s.io"
_KINDS = {Registry.KUBERNETES: ("", "Service"), Registry.EXTERNAL: ("networking.istio.io", "ServiceEntry")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The workload that policies are looked up for; `service` is the one that a waypoint's chain serves."""

    namespace: str
    labels: Labels
    waypoint: bool = False
    services: tuple[Service, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What selection depends on besides workload and policy."""

    root_namespace: str
    gateways_by_selector: bool = True
    """Selectors count for the pods of Gateway API gateways, too."""


def selector_of(resource: Resource) -> Mapping[str, str] | None:
    """Return a policy's selector labels; None when it has no selector at all."""
    if (selector := resource.spec.get("selector")) is not None:
        return selector.get("matchLabels") or {}
    if (selector := resource.spec.get("workloadSelector")) is not None:
        return selector.get("labels") or {}
    return None


def target_refs(resource: Resource) -> Sequence[Json]:
    """Return what a policy is attached to; the singular field counts while the plural one is empty."""
    spec = resource.spec
    single = spec.get("targetRef")
    found: Sequence[Json] = spec.get("targetRefs") or ([single] if single else [])
    return found


def attaches(resource: Resource, subject: Subject, rules: Rules) -> bool:
    """Tell whether a policy applies to a workload of its namespace, or of any if it is in the root namespace."""
    references = target_refs(resource)
    gateway = subject.labels.get(GATEWAY_NAME)
    if gateway is None:
        return not references and selects(selector_of(resource) or {}, subject.labels)
    if not references:
        if subject.waypoint or not rules.gateways_by_selector:
            return False
        return selects(selector_of(resource) or {}, subject.labels)
    return any(_refers(one, resource.namespace, subject, gateway=gateway, rules=rules) for one in references)


def _refers(reference: Json, namespace: str, subject: Subject, *, gateway: str, rules: Rules) -> bool:
    target = ("" if reference.get("group") == "core" else reference.get("group") or "", reference.get("kind"))
    name = reference.get("name")
    if subject.waypoint:
        for service in subject.services:
            if target == _KINDS[service.registry] and (name, namespace) == (service.source.name, service.namespace):
                return True
        if target == (_GATEWAY_API, "GatewayClass") and (namespace, name) == (rules.root_namespace, "istio-waypoint"):
            return True
    if namespace != subject.namespace or (reference.get("namespace") or namespace) != namespace:
        return False
    return target == (_GATEWAY_API, "Gateway") and name == gateway


class PolicyIndex:
    """Policies of one kind by namespace. Equal subjects get the same tuple."""

    def __init__(self, resources: Iterable[Resource], *, rules: Rules) -> None:
        self.rules = rules
        self._by_namespace: defaultdict[str, list[Resource]] = defaultdict(list)
        keys = {GATEWAY_NAME}
        for resource in resources:
            self._by_namespace[resource.namespace].append(resource)
            keys |= set(selector_of(resource) or {})
        self._keys = tuple(sorted(keys))
        self._found: dict[object, tuple[Resource, ...]] = {}

    def in_namespace(self, namespace: str) -> Sequence[Resource]:
        """Return all policies of a namespace."""
        return self._by_namespace.get(namespace, ())

    def selecting(self, subject: Subject, namespaces: Iterable[str]) -> tuple[Resource, ...]:
        """Return the policies of `namespaces`, in that order, that apply to a workload.

        What a selection depends on is the workload's labels that any selector names, so most workloads share one.
        """
        order = tuple(dict.fromkeys(namespaces))
        relevant = tuple(subject.labels.get(key) for key in self._keys)
        key = (order, subject.namespace, relevant, subject.waypoint, subject.services)
        if key not in self._found:
            candidates = (one for namespace in order for one in self.in_namespace(namespace))
            self._found[key] = tuple(one for one in candidates if attaches(one, subject, self.rules))
        return self._found[key]

    def around(self, subject: Subject, *, root_first: bool) -> tuple[Resource, ...]:
        """Return what applies from the root namespace, the workload's own, and those of the services it stands for."""
        pair = (self.rules.root_namespace, subject.namespace)
        namespaces = pair if root_first else pair[::-1]
        return self.selecting(subject, [*namespaces, *(service.namespace for service in subject.services)])
