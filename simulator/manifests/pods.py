"""Pods that come to life: scheduled, injected, with an address, running and ready.

A pod among the manifests that has a status comes from a cluster and is taken as it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from simulator.manifests.defaulting import default_pod_spec
from simulator.manifests.identity import POD_NETWORKS, AddressPool, uid
from simulator.manifests.injector import Injectors
from simulator.manifests.placement import Placement, node_addresses
from simulator.manifests.webhook import inject
from simulator.manifests.workloads import NewPod
from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import ObjectRef, Resource
from simulator.model.wire import Json

DATAPLANE_MODE = "istio.io/dataplane-mode"
REDIRECTION = "ambient.istio.io/redirection"


def is_live(pod: Resource) -> bool:
    """Tell whether a pod comes from a cluster."""
    return bool(pod.status.get("phase") or pod.status.get("podIP"))


class Kubelet:
    """Brings pods to life, one after another."""

    def __init__(
        self,
        *,
        injectors: Injectors,
        placement: Placement,
        families: Sequence[str],
        live: Iterable[Resource],
        ambient: bool,
    ) -> None:
        taken = [entry.get("ip", "") for pod in live for entry in pod.status.get("podIPs") or ()]
        pools = {f"IPv{network.version}": AddressPool(network, taken=taken) for network in POD_NETWORKS}
        self._pools = [pools[family] for family in families]
        self._injectors = injectors
        self._placement = placement
        self._ambient = ambient
        self.caveats: list[Caveat] = []

    def run(self, new: NewPod) -> Resource:
        """Return a pod as a cluster would show it a little later."""
        metadata = dict(new.document["metadata"])
        namespace, name = metadata["namespace"], metadata["name"]
        metadata["labels"] = dict(metadata.get("labels") or {})
        metadata.setdefault("uid", uid("Pod", namespace, name))
        spec = _defaulted(new.document.get("spec") or {})
        node = self._placement.node_for(namespace, name, spec=spec)
        pod = self._injected({**new.document, "metadata": metadata, "spec": spec}, new=new, namespace=namespace)
        if node is not None:
            pod["spec"] = {**pod["spec"], "nodeName": node.name}
        document = {**pod, "status": self._status(pod, node)}
        return Resource(
            kind="Pod", api_version="v1", namespace=namespace, name=name, document=document, origin=new.source.origin
        )

    def _injected(self, pod: Json, *, new: NewPod, namespace: str) -> Json:
        decision = self._injectors.decide(pod, namespace=namespace)
        if not decision.injected:
            return self._captured(pod, namespace=namespace)
        injector = self._injectors.injector(decision.revision)
        native = self._injectors.uses_native_sidecars(injector, node_name=pod["spec"].get("nodeName") or "")
        injected = inject(pod, namespace=namespace, injector=injector, native=native)
        ref = ObjectRef(kind=new.source.kind, namespace=namespace, name=new.source.name)
        caveats = [Caveat(kind=CaveatKind.UNSUPPORTED, ref=ref, message=text) for text in injected.warnings]
        self.caveats.extend(caveat for caveat in caveats if caveat not in self.caveats)
        return dict(injected.pod)

    def _captured(self, pod: Json, *, namespace: str) -> Json:
        """Mark a pod of the ambient mesh as Istio's CNI plugin does (cni/pkg/util/podutil.go)."""
        metadata, spec = pod["metadata"], pod["spec"]
        namespaced = self._injectors.namespace_labels.get(namespace, {}).get(DATAPLANE_MODE)
        mode = metadata["labels"].get(DATAPLANE_MODE) or namespaced
        if not self._ambient or mode != "ambient" or spec.get("hostNetwork"):
            return pod
        if any(container.get("name") == "istio-proxy" for container in spec.get("containers") or ()):
            return pod
        annotations = {**(metadata.get("annotations") or {}), REDIRECTION: "enabled"}
        return {**pod, "metadata": {**metadata, "annotations": annotations}}

    def _status(self, pod: Json, node: Resource | None) -> Json:
        metadata, spec = pod["metadata"], pod["spec"]
        host = list(node_addresses(node)) if node is not None else []
        identity = ("Pod", metadata["namespace"], metadata["name"])
        addresses = host if spec.get("hostNetwork") and host else [pool.take(*identity) for pool in self._pools]
        conditions = [
            {"type": kind, "status": "True"} for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        ]
        status: Json = {
            "phase": "Running",
            "podIP": addresses[0],
            "podIPs": [{"ip": address} for address in addresses],
            "conditions": conditions,
            "containerStatuses": [_container_status(container) for container in spec.get("containers") or ()],
        }
        if host:
            status["hostIP"] = host[0]
        if spec.get("initContainers"):
            status["initContainerStatuses"] = [_init_status(container) for container in spec["initContainers"]]
        return status


def _defaulted(template: Json) -> Json:
    spec = dict(template)
    for field in ("containers", "initContainers"):
        if spec.get(field):
            spec[field] = [
                {**container, "ports": [dict(port) for port in container["ports"]]}
                if container.get("ports")
                else container
                for container in spec[field]
            ]
    default_pod_spec(spec)
    spec["serviceAccountName"] = spec.get("serviceAccountName") or "default"
    return spec


def _container_status(container: Json) -> Json:
    return {
        "name": container.get("name", ""),
        "image": container.get("image", ""),
        "ready": True,
        "restartCount": 0,
        "started": True,
        "state": {"running": {}},
    }


def _init_status(container: Json) -> Json:
    if container.get("restartPolicy") == "Always":
        return _container_status(container)
    done = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    return {**_container_status(container), "started": False, "state": done}


def brought_to_life(pods: Iterable[NewPod], kubelet: Kubelet) -> tuple[Resource, ...]:
    """Run pods in order of namespace and name, so that the outcome does not depend on that of the manifests."""
    ordered = sorted(pods, key=lambda new: (new.document["metadata"]["namespace"], new.document["metadata"]["name"]))
    return tuple(kubelet.run(new) for new in ordered)


def bare_pod(pod: Resource) -> NewPod:
    """Make a pod of the manifests ready to be brought to life."""
    return NewPod(document={**pod.document, "metadata": dict(pod.metadata)}, source=replace(pod))
