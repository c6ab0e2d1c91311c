"""EndpointSlices and Pods → endpoints of Kubernetes services.

istiod: pilot/pkg/serviceregistry/kube/controller (endpointslice.go, endpoint_builder.go).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from simulator.model.resources import Resource
from simulator.model.services import Endpoint, Health, Locality, Service
from simulator.model.wire import Json
from simulator.registry.flags import enabled
from simulator.registry.kubernetes import spiffe
from simulator.registry.mesh_config import MeshSettings
from simulator.registry.resource_index import ResourceIndex
from simulator.registry.workloads import NETWORK_LABEL, Workloads, augmented_labels, workload_name

TLS_MODE_LABEL = "security.istio.io/tlsMode"
_SERVICE_NAME = "kubernetes.io/service-name"
_SESSION_LABELS = (
    ("PILOT_PERSISTENT_SESSION_LABEL", "istio.io/persistent-session"),
    ("PILOT_PERSISTENT_SESSION_HEADER_LABEL", "istio.io/persistent-session-header"),
)


def supports_draining(service: Service, flags: Mapping[str, str]) -> bool:
    """Tell whether a service asks for persistent sessions, for which draining endpoints are kept."""
    return any(service.labels.get(flags.get(flag, label)) for flag, label in _SESSION_LABELS)


def health_of(conditions: Json, *, draining: bool) -> Health:
    """Read an EndpointSlice's conditions; a missing condition counts as true."""
    if conditions.get("ready", True) is not False:
        return Health.HEALTHY
    terminating = conditions.get("terminating", True) is not False
    if draining and terminating and conditions.get("serving", True) is not False:
        return Health.DRAINING
    return Health.TERMINATING if terminating else Health.UNHEALTHY


def tunnel_enabled(labels: Mapping[str, str]) -> bool:
    """Tell whether labels declare that a workload accepts HBONE by itself."""
    return "http" in (labels.get("networking.istio.io/tunnel") or "").split(",")


def ambient_captured(pod: Resource) -> bool:
    """Tell whether a pod's traffic is redirected to ztunnel."""
    return pod.annotations.get("ambient.istio.io/redirection") == "enabled"


class EndpointBuilder:
    """Makes endpoints of the addresses of Kubernetes services."""

    def __init__(self, index: ResourceIndex, *, workloads: Workloads, settings: MeshSettings) -> None:
        self._index = index
        self._workloads = workloads
        self._settings = settings
        self._dual_stack = enabled(settings.flags, "ISTIO_DUAL_STACK", default=False)
        self._slices: defaultdict[tuple[str, str], list[Resource]] = defaultdict(list)
        for one in index.of_kind("EndpointSlice"):
            name = one.labels.get(_SERVICE_NAME)
            if name and not one.labels.get("multicluster.kubernetes.io/service-name"):
                self._slices[one.namespace, name].append(one)

    def endpoints(self, service: Service) -> Sequence[Endpoint]:
        """Return the endpoints of all ports; an address that two slices list counts once."""
        found: dict[tuple[str, str], Endpoint] = {}
        for one in self._slices.get((service.namespace, service.name), ()):
            for endpoint in self._of_slice(one, service):
                found.setdefault((endpoint.address, endpoint.port_name), endpoint)
        return tuple(found.values())

    def _of_slice(self, one: Resource, service: Service) -> Iterator[Endpoint]:
        if one.document.get("addressType") == "FQDN":
            return
        draining = supports_draining(service, self._settings.flags)
        ports = one.document.get("ports") or ()
        for entry in one.document.get("endpoints") or ():
            health = health_of(entry.get("conditions") or {}, draining=draining)
            target = entry.get("targetRef") or {}
            expected = target.get("kind") == "Pod"
            for address in entry.get("addresses") or ():
                if expected:
                    pod = self._workloads.pod(target.get("namespace") or one.namespace, target.get("name") or "")
                    if pod is None:
                        continue
                else:
                    pod = self._workloads.pod_at(address, one.namespace)
                several = self._several(pod, service) if expected else ()
                if several and one.document.get("addressType") == "IPv6":
                    continue
                yield from (self.endpoint(address, port, pod, health=health, addresses=several) for port in ports)

    def _several(self, pod: Resource | None, service: Service) -> tuple[str, ...]:
        if pod is None or not self._dual_stack or len(service.addresses) < 2:
            return ()
        addresses = tuple(entry["ip"] for entry in pod.status.get("podIPs") or ())
        return addresses if len(addresses) > 1 else ()

    def endpoint(
        self,
        address: str,
        port: Json,
        pod: Resource | None,
        *,
        health: Health = Health.HEALTHY,
        addresses: tuple[str, ...] = (),
    ) -> Endpoint:
        """Return the endpoint of one address and slice port; `pod` is None for an address without one."""
        if pod is None:
            return self._unknown(address, port, health=health)
        spec = pod.spec
        labels = self._workloads.labels(pod)
        sub_domain = spec.get("subdomain") or ""
        return Endpoint(
            address=address,
            port=int(port.get("port") or 0),
            port_name=port.get("name") or "",
            addresses=addresses,
            labels=labels,
            service_account=spiffe(
                trust_domain=self._settings.mesh["trustDomain"],
                namespace=pod.namespace,
                account=spec.get("serviceAccountName") or "",
            ),
            network=labels.get(NETWORK_LABEL) or self._workloads.network(address, {}),
            cluster_id=self._settings.cluster_id,
            locality=self._workloads.locality(pod),
            tls_mode=pod.labels.get(TLS_MODE_LABEL) or "disabled",
            health=health,
            workload_name=workload_name(pod),
            namespace=pod.namespace,
            node_name=spec.get("nodeName") or "",
            host_name=(spec.get("hostname") or pod.name) if sub_domain else "",
            sub_domain=sub_domain,
            pod=pod.ref,
        )

    def _unknown(self, address: str, port: Json, *, health: Health) -> Endpoint:
        network, cluster_id = self._workloads.network(address, {}), self._settings.cluster_id
        return Endpoint(
            address=address,
            port=int(port.get("port") or 0),
            port_name=port.get("name") or "",
            labels=augmented_labels({}, locality=Locality(), node="", network=network, cluster_id=cluster_id),
            network=network,
            cluster_id=cluster_id,
            health=health,
        )
