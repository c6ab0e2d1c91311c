"""Deployment, Service and ServiceAccount that istiod makes for each Gateway and waypoint of the Gateway API.

istiod: pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go and gateway_utils.go; the templates
kube-gateway.yaml and waypoint.yaml of the istio-discovery chart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulator.manifests import control_plane
from simulator.manifests.defaulting import GATEWAY_API, apply_defaults
from simulator.manifests.identity import uid
from simulator.manifests.injector import Injector
from simulator.manifests.owners import WorkloadMeta
from simulator.manifests.template_context import Context
from simulator.manifests.templates import managed_proxy
from simulator.model.labels import GATEWAY_CLASS, GATEWAY_NAME
from simulator.model.resources import Resource
from simulator.model.wire import Json

MANAGED_LABEL = "gateway.istio.io/managed"
_SERVICE_TYPE = "networking.istio.io/service-type"
_NAME_OVERRIDE = "gateway.istio.io/name-override"
_ACCOUNT = "gateway.istio.io/service-account"
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "gateway.istio.io/controller-version",
        _NAME_OVERRIDE,
        _ACCOUNT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Class:
    """What istiod makes for a kind of gateway (istiod: ClassInfo)."""

    label: str
    role: str
    service_type: str
    name_suffix: bool


_CLASSES = {
    "istio.io/gateway-controller": _Class(
        label="istio.io-gateway-controller", role="router", service_type="LoadBalancer", name_suffix=True
    ),
    "istio.io/mesh-controller": _Class(
        label="istio.io-mesh-controller", role="waypoint", service_type="ClusterIP", name_suffix=False
    ),
}
_BUILTIN = {"istio": "istio.io/gateway-controller", "istio-waypoint": "istio.io/mesh-controller"}


def managed_gateways(resources: Sequence[Resource], *, injector: Injector) -> tuple[Resource, ...]:
    """Return the objects of managed Gateways that are not among the resources."""
    controllers = dict(_BUILTIN) | {
        resource.name: str(resource.spec.get("controllerName"))
        for resource in resources
        if resource.kind == "GatewayClass"
    }
    ambient = control_plane.is_ambient(resources)
    running = {
        (resource.namespace, resource.labels.get(GATEWAY_NAME)) for resource in resources if resource.kind == "Pod"
    }
    present = {(resource.kind, resource.namespace, resource.name) for resource in resources}
    made: list[Resource] = []
    for gateway in resources:
        if gateway.kind != "Gateway" or gateway.group != GATEWAY_API or not _is_managed(gateway.spec):
            continue
        gateway_class = _CLASSES.get(controllers.get(gateway.spec.get("gatewayClassName", ""), ""))
        if gateway_class is None or (gateway_class.role == "waypoint" and not ambient):
            continue
        if (gateway.namespace, gateway.name) not in running:
            made.extend(_Gateway(gateway, gateway_class, injector, resources).objects())
    return tuple(one for one in made if (one.kind, one.namespace, one.name) not in present)


def _is_managed(spec: Json) -> bool:
    addresses = spec.get("addresses") or ()
    return not addresses or (len(addresses) == 1 and addresses[0].get("type", "IPAddress") == "IPAddress")


class _Gateway:
    """The objects of one Gateway."""

    def __init__(
        self, gateway: Resource, gateway_class: _Class, injector: Injector, resources: Sequence[Resource]
    ) -> None:
        class_name = gateway.spec.get("gatewayClassName", "")
        default = f"{gateway.name}-{class_name}" if gateway_class.name_suffix else gateway.name
        self.gateway, self.gateway_class, self.injector, self.resources = gateway, gateway_class, injector, resources
        self.name = gateway.annotations.get(_NAME_OVERRIDE) or default
        self.account = gateway.annotations.get(_ACCOUNT) or default
        infrastructure = gateway.spec.get("infrastructure") or {}
        self.copied_labels = _copied(infrastructure.get("labels"), gateway.labels)
        if control_plane.is_ambient(resources) and gateway_class.role == "router":
            self.copied_labels.setdefault("istio.io/dataplane-mode", "none")
        self.annotations = {
            key: value
            for key, value in _copied(infrastructure.get("annotations"), gateway.annotations).items()
            if key not in _NOT_COPIED
        }
        self.own_labels = {
            GATEWAY_NAME: gateway.name,
            GATEWAY_CLASS: class_name,
            MANAGED_LABEL: gateway_class.label,
        }

    def objects(self) -> Iterator[Resource]:
        """Yield the ServiceAccount, the Deployment and the Service."""
        yield self._object("ServiceAccount", "v1", self.account, {})
        yield self._object("Deployment", "apps/v1", self.name, {"spec": self._deployment()})
        yield self._object("Service", "v1", self.name, {"spec": self._service()})

    def _object(self, kind: str, api_version: str, name: str, body: Json) -> Resource:
        gateway = self.gateway
        owner = {"apiVersion": f"{GATEWAY_API}/v1", "kind": "Gateway", "name": gateway.name}
        owner["uid"] = gateway.metadata.get("uid") or uid("Gateway", gateway.namespace, gateway.name)
        annotations = dict(self.annotations)
        if kind == "Service" and self.gateway_class.role == "waypoint":
            annotations = {"networking.istio.io/traffic-distribution": "PreferClose", **annotations}
        metadata: Json = {
            "name": name,
            "namespace": gateway.namespace,
            "labels": {**self.copied_labels, **self.own_labels},
            "annotations": annotations,
            "ownerReferences": [owner],
            "uid": uid(kind, gateway.namespace, name),
        }
        document = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}
        resource = Resource(
            kind=kind,
            api_version=api_version,
            namespace=gateway.namespace,
            name=name,
            document=document,
            origin=gateway.origin,
        )
        apply_defaults(resource)
        return resource

    def _deployment(self) -> Json:
        is_waypoint = self.gateway_class.role == "waypoint"
        labels = {
            "sidecar.istio.io/inject": "false",
            **({"istio.io/dataplane-mode": "none"} if is_waypoint else {}),
            "service.istio.io/canonical-name": self.name,
            "service.istio.io/canonical-revision": "latest",
            **self.copied_labels,
            **self.own_labels,
        }
        annotations = {
            **self.annotations,
            "istio.io/rev": self.injector.revision,
            "prometheus.io/path": "/stats/prometheus",
            "prometheus.io/port": "15020",
            "prometheus.io/scrape": "true",
        }
        context = Context(
            injector=self.injector,
            namespace=self.gateway.namespace,
            labels=labels,
            annotations=self.gateway.annotations,
            spec={},
            workload=WorkloadMeta(name=self.name, kind="Deployment", api_version="apps/v1"),
            proxy_config=self.injector.proxy_config(
                namespace=self.gateway.namespace, labels=labels, annotations=self.gateway.annotations
            ),
            native=False,
        )
        spec = managed_proxy(context, role=self.gateway_class.role, network=labels.get("topology.istio.io/network"))
        template = {
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": {"serviceAccountName": self.account, **spec},
        }
        return {"replicas": 1, "selector": {"matchLabels": {GATEWAY_NAME: self.gateway.name}}, "template": template}

    def _service(self) -> Json:
        kind = self.gateway.annotations.get(_SERVICE_TYPE) or self.gateway_class.service_type
        spec: Json = {
            "ipFamilyPolicy": "PreferDualStack",
            "ports": list(self._ports()),
            "selector": {GATEWAY_NAME: self.gateway.name},
            "type": kind,
        }
        addresses = self.gateway.spec.get("addresses") or ()
        if addresses and kind == "LoadBalancer":
            spec["loadBalancerIP"] = addresses[0].get("value", "")
        return spec

    def _ports(self) -> Iterator[Json]:
        yield {"name": "status-port", "port": 15021, "protocol": "TCP", "appProtocol": "tcp"}
        seen: set[object] = set()
        listeners = list(self.gateway.spec.get("listeners") or ())
        for listener_set in self._listener_sets():
            listeners.extend(listener_set.spec.get("listeners") or ())
        for index, listener in enumerate(listeners):
            port, protocol = listener.get("port"), str(listener.get("protocol", "")).lower()
            if port in seen:
                continue
            seen.add(port)
            name = str(listener.get("name") or f"{protocol}-{index}").replace(".", "-")[:63]
            yield {"name": name, "port": port, "protocol": "TCP", "appProtocol": protocol}

    def _listener_sets(self) -> Iterator[Resource]:
        allowed = ((self.gateway.spec.get("allowedListeners") or {}).get("namespaces") or {}).get("from", "None")
        for resource in self.resources:
            parent = resource.spec.get("parentRef") if resource.kind == "ListenerSet" else None
            if not parent or parent.get("name") != self.gateway.name:
                continue
            same = resource.namespace == self.gateway.namespace
            if (parent.get("namespace") or resource.namespace) == self.gateway.namespace and (
                allowed in ("All", "Selector") or (allowed == "Same" and same)
            ):
                yield resource


def _copied(given: Mapping[str, str] | None, own: Mapping[str, str]) -> dict[str, str]:
    if given is None:
        return dict(own)
    return {key: value for key, value in given.items() if not key.startswith("gateway.networking.k8s.io/")}
