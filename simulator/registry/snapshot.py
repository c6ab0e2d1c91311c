"""The immutable index that everything downstream reads (istiod: PushContext, pilot/pkg/model/push_context.go).

Everything in it is derived from the resources alone; nothing depends on the order in which they were read. It is made
by `simulator.registry.build.build_snapshot`.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from simulator.model.caveats import Caveat
from simulator.model.labels import Labels
from simulator.model.proxies import Proxy, Role, ServiceTarget
from simulator.model.resources import Resource
from simulator.model.services import Endpoint, Locality, Service
from simulator.model.wire import Json
from simulator.registry.ambient.view import AmbientView
from simulator.registry.endpoint_index import EndpointIndex
from simulator.registry.flags import enabled
from simulator.registry.gateways import merge_gateways, select_gateways
from simulator.registry.mesh_config import MeshSettings
from simulator.registry.policies import AuthorizationPolicies, MergedGateway, MtlsMode, PeerAuthentication
from simulator.registry.policy_selection import Subject
from simulator.registry.policy_sets import PolicySets
from simulator.registry.resource_index import ResourceIndex
from simulator.registry.scopes import SidecarScope, VirtualService
from simulator.registry.service_index import ServiceIndex
from simulator.registry.sidecar_scopes import SidecarScopes
from simulator.registry.virtual_services import VirtualServiceIndex
from simulator.registry.workloads import Workloads


class Snapshot:
    """istiod's view of one mesh."""

    mesh: Json
    """MeshConfig in camelCase JSON, istiod's defaults applied."""
    networks: Json
    """MeshNetworks: network name → endpoints and gateways."""
    flags: Mapping[str, str]
    """istiod's environment, from its Deployment."""
    cluster_id: str
    """Istio's name of the cluster that istiod runs in."""
    network: str
    """Network of the cluster, empty when it has no name."""
    domain: str
    root_namespace: str
    trust_domain: str
    services: tuple[Service, ...]
    """All services in istiod's order (creation, name, namespace)."""
    proxies: tuple[Proxy, ...]
    """Every injected pod and gateway, sorted by namespace and name."""
    ztunnels: tuple[Proxy, ...]
    """The node proxies of ambient mode, which are no Envoys."""
    gateways: tuple[Resource, ...]
    """Istio's Gateways, and those that Ingresses and the Gateway API stand for, oldest first."""
    ambient: AmbientView
    """Waypoints and what they capture; empty when ambient mode is off."""

    def __init__(
        self,
        *,
        index: ResourceIndex,
        settings: MeshSettings,
        services: ServiceIndex,
        endpoints: EndpointIndex,
        proxies: tuple[Proxy, ...],
        virtual_services: VirtualServiceIndex,
        scopes: SidecarScopes,
        policies: PolicySets,
        workloads: Workloads,
        ambient: AmbientView,
        gateways: tuple[Resource, ...] = (),
        caveats: tuple[Caveat, ...] = (),
    ) -> None:
        self.mesh = settings.mesh
        self.networks = settings.networks
        self.flags = settings.flags
        self.domain = settings.domain
        self.cluster_id = settings.cluster_id
        self.network = workloads.default_network
        self.revision = settings.revision
        self.root_namespace = settings.mesh["rootNamespace"]
        self.trust_domain = settings.mesh["trustDomain"]
        self.services = services.all
        self.proxies = tuple(proxy for proxy in proxies if proxy.role is not Role.ZTUNNEL)
        self.ztunnels = tuple(proxy for proxy in proxies if proxy.role is Role.ZTUNNEL)
        self._caveats = caveats
        self._index = index
        self._services = services
        self._endpoints = endpoints
        self._virtual_services = virtual_services
        self._scopes = scopes
        self._policies = policies
        self.gateways = gateways
        self.ambient = ambient
        self._workloads = workloads
        self._merged: dict[Proxy, MergedGateway | None] = {}

    @cached_property
    def caveats(self) -> tuple[Caveat, ...]:
        """Resources that istiod refuses, fields that are not followed, outcomes that the manifests leave open."""
        merged = filter(None, map(self.gateway, self.proxies))
        return tuple(dict.fromkeys((*self._caveats, *(caveat for one in merged for caveat in one.caveats))))

    def flag(self, name: str, *, default: bool) -> bool:
        """Read one of istiod's boolean feature flags; those of ambient are off while ambient is."""
        return enabled(self.flags, name, default=default)

    def resources(self, kind: str, namespace: str | None = None) -> Sequence[Resource]:
        """Return all resources of a kind, oldest first, then by name and namespace.

        `Gateway` is Istio's; the Gateway API's is `KubernetesGateway`.
        """
        return self._index.of_kind(kind, namespace)

    def resource(self, kind: str, namespace: str, name: str) -> Resource | None:
        """Return one resource; `namespace` is empty for cluster-scoped kinds."""
        return self._index.get(kind, namespace, name)

    @property
    def kinds(self) -> Sequence[str]:
        """Names under which resources are found."""
        return self._index.kinds

    def locality_of(self, pod: Resource) -> Locality:
        """Return where a pod runs."""
        return self._workloads.locality(pod)

    def services_of_host(self, host: str) -> Mapping[str, Service]:
        """Return the services of a host by namespace, whoever may see them."""
        return self._services.of_host(host)

    def services_visible_to(self, namespace: str) -> Sequence[Service]:
        """Return the services that a namespace may see: those exported to it, then public ones."""
        return self._services.exported_to(namespace)

    def endpoints(self, service: Service, port: int) -> Sequence[Endpoint]:
        """Return all endpoints of a service port, whatever their health, in a stable order."""
        return self._endpoints.of_port(service, port)

    def service_accounts(self, service: Service) -> Sequence[str]:
        """Return the identities that may serve a service, sorted, one for each alias of the trust domain."""
        return self._endpoints.service_accounts(service)

    def service_targets(self, proxy: Proxy) -> Sequence[ServiceTarget]:
        """Return the service ports that the proxy's workload serves, oldest service first."""
        return self._endpoints.targets(proxy)

    def scope(self, proxy: Proxy) -> SidecarScope:
        """Return the sidecar scope of a proxy; the same object for proxies that share it."""
        if proxy.role is Role.SIDECAR:
            return self._scopes.of_sidecar(proxy.namespace, proxy.labels)
        return self._scopes.of_gateway(proxy.namespace)

    def virtual_services_of_gateway(self, gateway: str, namespace: str) -> Sequence[VirtualService]:
        """Return the VirtualServices bound to a gateway (`namespace/name`) and exported to `namespace`."""
        return self._virtual_services.of_gateway(gateway, namespace)

    def gateway(self, proxy: Proxy) -> MergedGateway | None:
        """Return the merged Gateways that select a gateway proxy; None when there are none."""
        if proxy.role is not Role.GATEWAY:
            return None
        if proxy not in self._merged:
            scoped = self.flag("PILOT_SCOPE_GATEWAY_TO_NAMESPACE", default=False)
            targets = self.service_targets(proxy)
            selected = select_gateways(self.gateways, proxy, targets, same_namespace=scoped)
            self._merged[proxy] = merge_gateways(selected)
        return self._merged[proxy]

    def peer_authentication(self, namespace: str, labels: Labels) -> PeerAuthentication:
        """Return the mTLS modes of a workload (workload over namespace over mesh)."""
        return self._policies.peer.of_workload(namespace, labels)

    def namespace_mtls_mode(self, namespace: str) -> MtlsMode:
        """Return the mode of a namespace, workload policies left out: what clients infer for auto mTLS."""
        return self._policies.peer.of_namespace(namespace)

    def authorization(
        self, namespace: str, labels: Labels, *, waypoint: bool = False, service: Service | None = None
    ) -> AuthorizationPolicies:
        """Return the AuthorizationPolicies that select a workload, or a service that a waypoint serves."""
        return self._policies.authorization(_subject(namespace, labels, waypoint=waypoint, service=service))

    def request_authentications(
        self, namespace: str, labels: Labels, *, waypoint: bool = False, service: Service | None = None
    ) -> Sequence[Resource]:
        """Return the RequestAuthentications that select a workload, its own namespace first."""
        return self._policies.request_authentications(_subject(namespace, labels, waypoint=waypoint, service=service))

    def telemetries(
        self, namespace: str, labels: Labels, *, waypoint: bool = False, service: Service | None = None
    ) -> Sequence[Resource]:
        """Return the Telemetry resources that apply to a workload: root, namespace, workload."""
        return self._policies.telemetries(_subject(namespace, labels, waypoint=waypoint, service=service))

    def envoy_filters(self, proxy: Proxy) -> Sequence[Resource]:
        """Return the EnvoyFilters that select a proxy, in the order istiod applies them."""
        return self._policies.envoy_filters(
            _subject(proxy.namespace, proxy.labels, waypoint=proxy.role is Role.WAYPOINT)
        )

    def extensions(self, proxy: Proxy, *services: Service) -> Sequence[Resource]:
        """Return the WasmPlugins and TrafficExtensions that select a proxy, highest priority first.

        `services` are those that a waypoint serves, which extensions may be attached to.
        """
        waypoint = proxy.role is Role.WAYPOINT
        return self._policies.extensions(
            Subject(namespace=proxy.namespace, labels=proxy.labels, waypoint=waypoint, services=services)
        )


def _subject(namespace: str, labels: Labels, *, waypoint: bool, service: Service | None = None) -> Subject:
    services = (service,) if service is not None else ()
    return Subject(namespace=namespace, labels=labels, waypoint=waypoint, services=services)
