"""Which policies apply to a proxy: by selecting its pod, or by naming its gateway or a service that it carries?

istiod: pilot/pkg/model/policyattachment.go (ShouldAttachPolicy). A policy with targets selects no pods by their labels,
and a waypoint gets only policies that name it, its class or a service that it carries.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kubectl_mesh.diagnosis import waypoints
from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.describe_pod import is_ambient
from kubectl_mesh.diagnosis.lookup import Lookup, labels, name_of, namespace_of, oldest_first, selector, spec
from kubectl_mesh.diagnosis.waypoint_use import carried, carrier, is_instance
from simulator.model.labels import GATEWAY_CLASS, GATEWAY_NAME, selects
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The workload of a proxy; `carried` has (kind, namespace, name) of the objects that a waypoint serves."""

    namespace: str
    labels: dict[str, str]
    is_waypoint: bool = False
    carried: frozenset[tuple[str, str, str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcer:
    """The enforcer of policies for a pod: the named waypoint, or without a name the pod's own proxy or ztunnel."""

    name: str = ""
    is_ztunnel: bool = False


def subject(lookup: Lookup, pod: Json) -> Subject:
    """Return the workload of a pod."""
    services = ((kind, namespace_of(each), name_of(each)) for kind, each in carried(lookup, pod))
    return Subject(
        namespace=namespace_of(pod), labels=labels(pod), is_waypoint=is_instance(pod), carried=frozenset(services)
    )


def applies(policy: Json, one: Subject, *, root_namespace: str) -> bool:
    """Tell whether a policy applies to a workload."""
    home = namespace_of(policy)
    if named := targets(spec(policy)):
        return any(_is_target(each or {}, home, one, root_namespace) for each in named)
    return not one.is_waypoint and home in (root_namespace, one.namespace) and selects(selector(policy), one.labels)


def targets(body: Json) -> list[Json]:
    """Return the targets in the `spec` of a policy; none where it selects pods by their labels."""
    return listed(body.get("targetRefs")) or ([body["targetRef"]] if body.get("targetRef") else [])


def authorization_policies(lookup: Lookup, pod: Json, services: Sequence[Json]) -> list[tuple[Json, Enforcer]]:
    """Return the policies on requests to a pod that serves `services`, oldest first, each with its enforcer.

    These are the policies of its own proxy or ztunnel, and of the waypoints that carry traffic to it.
    """
    own = Enforcer(is_ztunnel=is_ambient(pod))
    subjects = [(subject(lookup, pod), own), *_waypoints(lookup, pod, services)]
    root = lookup.root_namespace
    found = oldest_first(lookup.all("AuthorizationPolicy"))
    pairs = (
        (each, enforcer) for each in found for one, enforcer in subjects if applies(each, one, root_namespace=root)
    )
    return list({(namespace_of(each), name_of(each), by): (each, by) for each, by in pairs}.values())


def _waypoints(lookup: Lookup, pod: Json, services: Sequence[Json]) -> Iterator[tuple[Subject, Enforcer]]:
    """Yield the waypoints in front of a pod, each with the objects of the pod whose traffic it carries."""
    for traffic, each in (("workload", pod), *(("service", one) for one in services)):
        if is_instance(pod) or (found := carrier(lookup, each, traffic=traffic)) is None:
            continue
        namespace, name = found
        own = {("Service", namespace_of(each), name_of(each))} if traffic == "service" else set()
        held = {GATEWAY_NAME: name, GATEWAY_CLASS: waypoints.CLASS}
        waypoint = Subject(namespace=namespace, labels=held, is_waypoint=True, carried=frozenset(own))
        yield waypoint, Enforcer(name=f"waypoint {name}.{namespace}")


def _is_target(target: Json, home: str, one: Subject, root_namespace: str) -> bool:
    kind, name = str(target.get("kind") or ""), str(target.get("name") or "")
    if GATEWAY_NAME not in one.labels:
        return False
    if kind == "Gateway":
        here = home == one.namespace and (target.get("namespace") or home) == home
        return here and name == one.labels[GATEWAY_NAME]
    if not one.is_waypoint:
        return False
    if kind == "GatewayClass":
        return (home, name) == (root_namespace, waypoints.CLASS)
    return (kind, home, name) in one.carried
