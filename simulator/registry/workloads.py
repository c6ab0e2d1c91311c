"""Pods as workloads: where they run, in which network, under which name, with which labels.

istiod: pilot/pkg/serviceregistry/kube/controller (getPodLocality, Network), pkg/kube/util.go (GetWorkloadMetaFromPod),
pilot/pkg/serviceregistry/util/label (AugmentLabels).
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from simulator.model.labels import Labels
from simulator.model.resources import Resource
from simulator.model.services import Locality
from simulator.registry.mesh_config import MeshSettings
from simulator.registry.resource_index import ResourceIndex

NETWORK_LABEL = "topology.istio.io/network"


def parse_locality(text: str) -> Locality:
    """Read `region/zone/subzone`; dots divide where there is no slash, since labels cannot hold slashes."""
    parts = (text if "/" in text else text.replace(".", "/")).split("/")
    region, zone, subzone = (*parts, "", "", "")[:3]
    return Locality(region=region, zone=zone, subzone=subzone)


def labelled_locality(labels: Labels) -> Locality | None:
    """Return the locality that a workload's own labels claim."""
    for key in ("topology.istio.io/locality", "istio-locality"):
        if key in labels:
            return parse_locality(labels[key]) if labels[key] else None
    return None


def augmented_labels(labels: Labels, *, locality: Locality, node: str, network: str, cluster_id: str) -> Labels:
    """Add the topology labels that istiod gives each workload; a network label of its own is kept."""
    added = {
        "topology.kubernetes.io/region": locality.region,
        "topology.kubernetes.io/zone": locality.zone,
        "topology.istio.io/subzone": locality.subzone,
        "topology.istio.io/cluster": cluster_id,
        "kubernetes.io/hostname": node,
    }
    result = {**labels, **{key: value for key, value in added.items() if value}}
    if network and not result.get(NETWORK_LABEL):
        result[NETWORK_LABEL] = network
    return result


def workload_name(pod: Resource) -> str:
    """Name the workload that a pod belongs to: a label, else its controller, else the pod itself.

    Only a pod with a generated name is taken for one of a controller's, as in istiod.
    """
    if named := pod.labels.get("service.istio.io/workload-name"):
        return named
    return controller_of(pod)[1] if pod.metadata.get("generateName") else pod.name


def controller_of(pod: Resource) -> tuple[str, str]:
    """Return kind and name of what a pod was made by, looking through ReplicaSets and Jobs; itself if by nothing."""
    owners = pod.metadata.get("ownerReferences") or ()
    owner = next((one for one in owners if one.get("controller")), None)
    if owner is None:
        return ("Pod", pod.name)
    kind, name = owner.get("kind") or "Pod", owner.get("name") or pod.name
    match kind:
        case "ReplicaSet":
            for key, maker in (("pod-template-hash", "Deployment"), ("rollouts-pod-template-hash", "Rollout")):
                if (suffix := pod.labels.get(key)) and name.endswith(suffix):
                    return (maker, name.removesuffix(f"-{suffix}"))
        case "ReplicationController":
            if config := pod.labels.get("deploymentconfig"):
                return ("DeploymentConfig", config)
        case "Job":
            stem, _, digits = name.rpartition("-")
            if stem and digits.isdigit() and 8 <= len(digits) <= 10:
                return ("CronJob", stem)
    return (kind, name)


def running(pods: Iterable[Resource]) -> Sequence[Resource]:
    """Return the pods that have not ended."""
    return [pod for pod in pods if pod.status.get("phase") not in ("Failed", "Succeeded")]


class Workloads:
    """The pods of a mesh with their place in it."""

    def __init__(self, index: ResourceIndex, settings: MeshSettings) -> None:
        self._index = index
        self.cluster_id = settings.cluster_id
        self._by_address: defaultdict[str, list[Resource]] = defaultdict(list)
        for pod in self.pods:
            if address := pod.status.get("podIP"):
                self._by_address[address].append(pod)
        namespace = index.get("Namespace", "", settings.system_namespace)
        self.default_network = (namespace.labels.get(NETWORK_LABEL) if namespace else "") or ""
        self._ranges = _ranges(settings)
        self._registry_network = _registry_network(settings)
        self._localities: dict[str, Locality] = {}

    @property
    def pods(self) -> Sequence[Resource]:
        """All pods that have not ended."""
        return running(self._index.of_kind("Pod"))

    def pod(self, namespace: str, name: str) -> Resource | None:
        """Return one pod."""
        found = self._index.get("Pod", namespace, name)
        return None if found is None or found.status.get("phase") == "Failed" else found

    def pod_at(self, address: str, namespace: str) -> Resource | None:
        """Return the pod with this address, if it is in `namespace`."""
        return next((pod for pod in self._by_address.get(address, ()) if pod.namespace == namespace), None)

    def locality(self, pod: Resource) -> Locality:
        """Return where a pod runs: its own label, else the labels of its node."""
        return labelled_locality(pod.labels) or self.node_locality(pod.spec.get("nodeName") or "")

    def node_locality(self, name: str) -> Locality:
        """Return the locality of a node."""
        if name not in self._localities:
            node = self._index.get("Node", "", name)
            labels: Mapping[str, str] = node.labels if node else {}
            self._localities[name] = Locality(
                region=labels.get("topology.kubernetes.io/region")
                or labels.get("failure-domain.beta.kubernetes.io/region")
                or "",
                zone=labels.get("topology.kubernetes.io/zone")
                or labels.get("failure-domain.beta.kubernetes.io/zone")
                or "",
                subzone=labels.get("topology.istio.io/subzone") or "",
            )
        return self._localities[name]

    def network(self, address: str, labels: Labels) -> str:
        """Return the network of an address: label, system namespace, MeshNetworks."""
        if found := labels.get(NETWORK_LABEL) or self.default_network or self._registry_network:
            return found
        if not self._ranges:
            return ""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return ""
        return next((name for block, name in self._ranges if parsed in block), "")

    def labels(self, pod: Resource) -> Labels:
        """Return a pod's labels with those of its topology."""
        return augmented_labels(
            pod.labels,
            locality=self.locality(pod),
            node=pod.spec.get("nodeName") or "",
            network=self.network(pod.status.get("podIP") or "", pod.labels),
            cluster_id=self.cluster_id,
        )


def _ranges(settings: MeshSettings) -> Sequence[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]]:
    found = []
    for name, network in sorted(settings.networks.items()):
        for endpoint in network.get("endpoints") or ():
            if block := endpoint.get("fromCidr"):
                try:
                    found.append((ipaddress.ip_network(block, strict=False), name))
                except ValueError:
                    continue
    return found


def _registry_network(settings: MeshSettings) -> str:
    for name, network in sorted(settings.networks.items()):
        if any(endpoint.get("fromRegistry") == settings.cluster_id for endpoint in network.get("endpoints") or ()):
            return str(name)
    return ""
