"""WorkloadEntries, and pods beside them, as instances that services select.

istiod: pilot/pkg/serviceregistry/serviceentry/conversion.go (convertWorkloadEntryToWorkloadInstance),
pilot/pkg/serviceregistry/kube/controller (serviceInstanceFromWorkloadInstance, getPortMap).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from simulator.model.addresses import is_address
from simulator.model.labels import Labels
from simulator.model.resources import Resource
from simulator.model.services import Endpoint, Health, Locality
from simulator.model.wire import Json
from simulator.registry.endpoint_slices import TLS_MODE_LABEL, EndpointBuilder
from simulator.registry.flags import enabled
from simulator.registry.kubernetes import spiffe
from simulator.registry.mesh_config import MeshSettings
from simulator.registry.resource_index import ResourceIndex
from simulator.registry.workloads import Workloads, augmented_labels, labelled_locality, parse_locality

SELECT_PODS_FLAG = "PILOT_ENABLE_SERVICEENTRY_SELECT_PODS"
_UNIX = "unix://"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkloadInstance:
    """A workload before a service has given it a port."""

    name: str
    namespace: str
    endpoint: Endpoint
    ports: Mapping[str, int]
    """Port name → number, as the workload declares them."""
    dns_only: bool = False
    """Its address is a host name or a socket, which only ServiceEntries resolved by DNS can use."""


class WorkloadInstances:
    """WorkloadEntries and ready pods of one mesh, in istiod's order: pods, then entries, each by namespace and name."""

    def __init__(
        self, index: ResourceIndex, *, workloads: Workloads, settings: MeshSettings, builder: EndpointBuilder
    ) -> None:
        self._workloads = workloads
        self.cluster_id = workloads.cluster_id
        self._trust_domain: str = settings.mesh["trustDomain"]
        resources = [one for one in index.of_kind("WorkloadEntry") if _healthy(one)]
        self.entries: Sequence[WorkloadInstance] = sorted(
            (self._from_entry(one) for one in resources), key=lambda one: (one.namespace, one.name)
        )
        select_pods = enabled(settings.flags, SELECT_PODS_FLAG, default=True)
        ready = (pod for pod in workloads.pods if select_pods and _ready(pod))
        pods = (_from_pod(pod, builder) for pod in ready)
        self.pods: Sequence[WorkloadInstance] = sorted(pods, key=lambda one: (one.namespace, one.name))
        self._entries_at: dict[str, list[WorkloadInstance]] = {}
        for entry in self.entries:
            if not entry.dns_only and entry.endpoint.labels:
                self._entries_at.setdefault(entry.endpoint.address, []).append(entry)

    def entry_at(self, address: str, *, name: str, namespace: str) -> WorkloadInstance | None:
        """Return the entry with a proxy's address: of its own name, else of its namespace, else any."""
        found = self._entries_at.get(address, [])
        return min(
            found,
            key=lambda one: ((one.name, one.namespace) != (name, namespace), one.namespace != namespace),
            default=None,
        )

    def inline(self, spec: Json, *, name: str, namespace: str) -> WorkloadInstance:
        """Return the instance that an `endpoints` entry of a ServiceEntry stands for."""
        return self._convert(spec, labels=spec.get("labels") or {}, name=name, namespace=namespace, workload=name)

    def _from_entry(self, resource: Resource) -> WorkloadInstance:
        spec = resource.spec
        workload = (
            resource.annotations.get("istio.io/autoRegistrationGroup")
            or resource.labels.get("service.istio.io/workload-name")
            or resource.name
        )
        labels = {**(spec.get("labels") or {}), **resource.labels}
        return self._convert(spec, labels=labels, name=resource.name, namespace=resource.namespace, workload=workload)

    def _convert(self, spec: Json, *, labels: Labels, name: str, namespace: str, workload: str) -> WorkloadInstance:
        address = spec.get("address") or ""
        account = spec.get("serviceAccount") or ""
        network = spec.get("network") or ""
        identity = spiffe(trust_domain=self._trust_domain, namespace=namespace, account=account) if account else ""
        locality = parse_locality(spec["locality"]) if spec.get("locality") else labelled_locality(labels) or Locality()
        endpoint = Endpoint(
            address=address,
            port=0,
            port_name="",
            labels=augmented_labels(
                labels,
                locality=locality,
                node="",
                network=network or self._workloads.network(address, labels),
                cluster_id=self.cluster_id,
            ),
            service_account=identity,
            network=network,
            cluster_id=self.cluster_id,
            locality=locality,
            weight=int(spec.get("weight") or 0),
            tls_mode=labels.get(TLS_MODE_LABEL, "istio" if account else "disabled"),
            workload_name=workload,
            namespace=namespace,
        )
        return WorkloadInstance(
            name=name,
            namespace=namespace,
            endpoint=endpoint,
            ports={key: int(number) for key, number in (spec.get("ports") or {}).items()},
            dns_only=address.startswith(_UNIX) or bool(address and not is_address(address)),
        )


def for_entry_port(instance: WorkloadInstance, port: Json) -> Endpoint:
    """Return the endpoint of a ServiceEntry's port: a socket, else the workload's port, `targetPort`, the number."""
    endpoint = instance.endpoint
    number = int(port["number"])
    if endpoint.address.startswith(_UNIX):
        target, address = 0, endpoint.address.removeprefix(_UNIX)
    else:
        target = instance.ports.get(port["name"]) or int(port.get("targetPort") or 0) or number
        address = endpoint.address
    return replace(endpoint, address=address, port=target, port_name=port["name"], service_port=number)


def for_service_port(instance: WorkloadInstance, port: Json) -> Endpoint | None:
    """Return the endpoint of a Kubernetes Service's port; None when it names a port that the workload lacks."""
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int) or str(target).isdigit():
        number = instance.ports.get(port.get("name") or "") or int(target)
    elif not (number := instance.ports.get(target, 0)):
        return None
    return replace(instance.endpoint, port=number, port_name=port.get("name") or "")


def _healthy(resource: Resource) -> bool:
    """Tell whether an entry counts: one with health checks needs the condition `Healthy`."""
    if (resource.annotations.get("proxy.istio.io/health-checks-enabled") or "").lower() not in ("true", "1", "t"):
        return True
    conditions = resource.status.get("conditions") or ()
    return any(one.get("type") == "Healthy" and one.get("status") == "True" for one in conditions)


def _ready(pod: Resource) -> bool:
    conditions = pod.status.get("conditions") or ()
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return ready and bool(pod.status.get("podIP")) and not pod.metadata.get("deletionTimestamp")


def _from_pod(pod: Resource, builder: EndpointBuilder) -> WorkloadInstance:
    endpoint = builder.endpoint(pod.status["podIP"], {}, pod, health=Health.HEALTHY)
    ports: dict[str, int] = {}
    natives = [one for one in pod.spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for container in [*(pod.spec.get("containers") or ()), *natives]:
        for port in container.get("ports") or ():
            if port.get("name") and (port.get("protocol") or "TCP") == "TCP":
                ports.setdefault(port["name"], int(port["containerPort"]))
    return WorkloadInstance(name=pod.name, namespace=pod.namespace, endpoint=endpoint, ports=ports)
