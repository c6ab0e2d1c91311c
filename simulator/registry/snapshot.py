"""The immutable index that everything downstream reads (istiod: PushContext, pilot/pkg/model/push_context.go).

Everything in it is derived from the resources alone; nothing depends on the order in which they were read.
"""

from collections.abc import Mapping, Sequence

from simulator.model.labels import Labels
from simulator.model.proxies import Proxy, ServiceTarget
from simulator.model.resources import Resource
from simulator.model.services import Endpoint, Service
from simulator.model.wire import Json
from simulator.registry.policies import AuthorizationPolicies, MergedGateway, MtlsMode, PeerAuthentication
from simulator.registry.scopes import SidecarScope


class Snapshot:
    """istiod's view of one mesh."""

    mesh: Json
    """MeshConfig in camelCase JSON, istiod's defaults applied."""
    flags: Mapping[str, str]
    """istiod's environment, from its Deployment."""
    domain: str
    root_namespace: str
    trust_domain: str
    services: tuple[Service, ...]
    """All services in istiod's order (creation, name, namespace)."""
    proxies: tuple[Proxy, ...]
    """Every injected pod and gateway, sorted by namespace and name."""

    def resources(self, kind: str) -> Sequence[Resource]:
        """Return all resources of a kind, oldest first, then by name and namespace."""
        raise NotImplementedError

    def resource(self, kind: str, namespace: str, name: str) -> Resource | None:
        """Return one resource; `namespace` is empty for cluster-scoped kinds."""
        raise NotImplementedError

    def endpoints(self, service: Service, port: int) -> Sequence[Endpoint]:
        """Return all endpoints of a service port, whatever their health, in a stable order."""
        raise NotImplementedError

    def service_targets(self, proxy: Proxy) -> Sequence[ServiceTarget]:
        """Return the service ports that the proxy's workload serves, oldest service first."""
        raise NotImplementedError

    def scope(self, proxy: Proxy) -> SidecarScope:
        """Return the sidecar scope of a proxy; the same object for proxies that share it."""
        raise NotImplementedError

    def virtual_services_of_gateway(self, gateway: str, namespace: str) -> Sequence["object"]:
        """Return the VirtualServices bound to a gateway (`namespace/name`) and exported to `namespace`."""
        raise NotImplementedError

    def gateway(self, proxy: Proxy) -> MergedGateway | None:
        """Return the merged Gateways that select a gateway proxy; None when there are none."""
        raise NotImplementedError

    def peer_authentication(self, namespace: str, labels: Labels) -> PeerAuthentication:
        """Return the mTLS modes of a workload (workload over namespace over mesh)."""
        raise NotImplementedError

    def namespace_mtls_mode(self, namespace: str) -> MtlsMode:
        """Return the mode of a namespace, workload policies left out: what clients infer for auto mTLS."""
        raise NotImplementedError

    def authorization(self, namespace: str, labels: Labels) -> AuthorizationPolicies:
        """Return the AuthorizationPolicies that select a workload."""
        raise NotImplementedError

    def request_authentications(self, namespace: str, labels: Labels) -> Sequence[Resource]:
        """Return the RequestAuthentications that select a workload, root namespace first."""
        raise NotImplementedError

    def telemetries(self, namespace: str, labels: Labels) -> Sequence[Resource]:
        """Return the Telemetry resources that apply to a workload: root, namespace, workload."""
        raise NotImplementedError

    def envoy_filters(self, proxy: Proxy) -> Sequence[Resource]:
        """Return the EnvoyFilters that select a proxy, in the order istiod applies them."""
        raise NotImplementedError

    def extensions(self, proxy: Proxy) -> Sequence[Resource]:
        """Return the WasmPlugins and TrafficExtensions that select a proxy."""
        raise NotImplementedError
