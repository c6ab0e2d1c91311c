"""Security, telemetry and extension policies of one mesh, looked up by workload.

istiod: pilot/pkg/model/authorization.go, authentication.go (GetJwtPoliciesForWorkload), telemetry.go
(applicableTelemetries), push_context.go (EnvoyFilters, TrafficExtensionsByListenerInfo).
"""

from collections.abc import Sequence

from simulator.model.resources import Resource
from simulator.registry.authentication import PeerAuthentications
from simulator.registry.flags import enabled
from simulator.registry.mesh_config import MeshSettings
from simulator.registry.policies import AuthorizationPolicies
from simulator.registry.policy_selection import PolicyIndex, Rules, Subject, selector_of, target_refs
from simulator.registry.resource_index import ResourceIndex, order

_LOWEST = -(2**31)


class PolicySets:
    """All policies that are chosen by workload."""

    def __init__(self, index: ResourceIndex, settings: MeshSettings) -> None:
        root = settings.mesh["rootNamespace"]
        by_selector = enabled(settings.flags, "ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY", default=True)
        self._root = root
        self._rules = Rules(root_namespace=root, gateways_by_selector=by_selector)
        self.peer = PeerAuthentications(index.of_kind("PeerAuthentication"), root_namespace=root)
        self._authorization = self._of(index.of_kind("AuthorizationPolicy"))
        self._request = self._of(index.of_kind("RequestAuthentication"))
        self._telemetry = self._of(index.of_kind("Telemetry"))
        self._envoy_filters = self._of(index.of_kind("EnvoyFilter"))
        extensions = [*index.of_kind("TrafficExtension"), *index.of_kind("WasmPlugin")]
        self._extensions = self._of(sorted(extensions, key=_extension_order))
        self._divided: dict[tuple[Resource, ...], AuthorizationPolicies] = {}

    def _of(self, resources: Sequence[Resource]) -> PolicyIndex:
        return PolicyIndex(resources, rules=self._rules)

    def authorization(self, subject: Subject) -> AuthorizationPolicies:
        """Return the AuthorizationPolicies of a workload, those of the root namespace first; equal sets are one."""
        found = self._authorization.around(subject, root_first=True)
        if found not in self._divided:
            self._divided[found] = AuthorizationPolicies(
                custom=_of_action(found, "CUSTOM"),
                deny=_of_action(found, "DENY"),
                allow=_of_action(found, "ALLOW"),
                audit=_of_action(found, "AUDIT"),
            )
        return self._divided[found]

    def request_authentications(self, subject: Subject) -> tuple[Resource, ...]:
        """Return the RequestAuthentications of a workload, those of its own namespace first, as istiod reads them."""
        return self._request.around(subject, root_first=False)

    def telemetries(self, subject: Subject) -> tuple[Resource, ...]:
        """Return the Telemetry resources of a workload, each overriding the ones before.

        They are the oldest one for the whole root namespace, that of the workload's namespace, that of the service's
        namespace for a waypoint, then all that name the workload.
        """
        namespaces = [self._root, subject.namespace]
        if subject.waypoint:
            namespaces += [service.namespace for service in subject.services]
        wide = [self._namespace_wide(namespace) for namespace in dict.fromkeys(namespaces)]
        own = self._telemetry.selecting(subject, [namespaces[-1]])
        return (*(one for one in wide if one is not None), *(one for one in own if not _is_wide(one)))

    def envoy_filters(self, subject: Subject) -> tuple[Resource, ...]:
        """Return the EnvoyFilters of a workload: by priority, root namespace first, then creation and name."""
        found = self._envoy_filters.around(subject, root_first=True)
        return tuple(sorted(found, key=self._envoy_filter_order))

    def extensions(self, subject: Subject) -> tuple[Resource, ...]:
        """Return the extensions of a workload: highest priority first, then its own namespace, creation and name."""
        found = self._extensions.around(subject, root_first=False)
        return tuple(sorted(found, key=_negative_priority))

    def _namespace_wide(self, namespace: str) -> Resource | None:
        return next((one for one in self._telemetry.in_namespace(namespace) if _is_wide(one)), None)

    def _envoy_filter_order(self, resource: Resource) -> tuple[int, bool, str, str]:
        priority = int(resource.spec.get("priority") or 0)
        name = f"{resource.name}.{resource.namespace}"
        return (priority, resource.namespace != self._root, resource.created, name)


def _of_action(found: Sequence[Resource], action: str) -> tuple[Resource, ...]:
    return tuple(one for one in found if (one.spec.get("action") or "ALLOW") == action)


def _is_wide(resource: Resource) -> bool:
    return not selector_of(resource) and not target_refs(resource)


def _extension_order(resource: Resource) -> tuple[str, str, str]:
    """Sort key: istiod reads a WasmPlugin as a TrafficExtension of a longer name."""
    created, name, namespace = order(resource)
    return (created, f"{name}~istio-translated-wasmplugin" if resource.kind == "WasmPlugin" else name, namespace)


def _negative_priority(resource: Resource) -> int:
    priority = resource.spec.get("priority")
    return -(_LOWEST if priority is None else int(priority))
