"""Schemas for `kubectl explain`: the fields and types of each kind, from the table that manifests are checked by.

The table has only the fields that the simulator reads, so every object stays open to other fields
(`x-kubernetes-preserve-unknown-fields`). Fields have no descriptions: those are texts of Istio and Kubernetes.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from simulator.apiserver.catalog import ResourceType
from simulator.manifests.shapes import shape_of
from simulator.model.wire import Json

_OPEN: Json = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_STRING: Json = {"type": "string"}
_STRINGS: Json = {"type": "object", "additionalProperties": _STRING}
_SIMPLE: Mapping[str, Json] = {
    "any": {"x-kubernetes-preserve-unknown-fields": True},
    "boolean": {"type": "boolean"},
    "int-or-string": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, _STRING]},
    "integer": {"type": "integer", "format": "int32"},
    "ip": _STRING,
    "number": {"type": "number", "format": "double"},
    "object": _OPEN,
    "port": {"type": "integer", "format": "int32"},
    "string": _STRING,
}
_REFERENCE: Json = {
    "type": "object",
    "required": ["apiVersion", "kind", "name", "uid"],
    "properties": {
        **dict.fromkeys(("apiVersion", "kind", "name", "uid"), _STRING),
        **dict.fromkeys(("blockOwnerDeletion", "controller"), _SIMPLE["boolean"]),
    },
}
_TIME: Json = {"type": "string", "format": "date-time"}
_METADATA: Json = _OPEN | {
    "description": "Metadata of every object: its name, labels, owners, and what the API server records.",
    "properties": {
        "annotations": _STRINGS,
        "creationTimestamp": _TIME,
        "deletionGracePeriodSeconds": {"type": "integer", "format": "int64"},
        "deletionTimestamp": _TIME,
        "finalizers": {"type": "array", "items": _STRING},
        "generateName": _STRING,
        "generation": {"type": "integer", "format": "int64"},
        "labels": _STRINGS,
        "managedFields": {"type": "array", "items": _OPEN},
        "name": _STRING,
        "namespace": _STRING,
        "ownerReferences": {"type": "array", "items": _REFERENCE},
        "resourceVersion": _STRING,
        "uid": _STRING,
    },
}
_PURPOSE: Mapping[str, str] = {
    "/ConfigMap": "Settings that pods and controllers read.",
    "/Namespace": "A scope for names, with labels that say whether its pods are in the mesh.",
    "/Node": "A machine that runs pods.",
    "/Pod": "Containers that run together on a node and share an address.",
    "/Secret": "Settings to which access is restricted.",
    "/Service": "A name and an address for a set of pods, and the ports they answer on.",
    "/ServiceAccount": "The identity of pods, for the API server and in the mesh.",
    "apps/DaemonSet": "Runs a pod on every node.",
    "apps/Deployment": "Runs identical pods, replaced step by step when their template changes.",
    "apps/ReplicaSet": "Runs a number of identical pods.",
    "apps/StatefulSet": "Runs pods with stable names, in order.",
    "batch/CronJob": "Runs Jobs on a schedule.",
    "batch/Job": "Runs pods until their work is done.",
    "discovery.k8s.io/EndpointSlice": "The addresses behind a Service.",
    "extensions.istio.io/WasmPlugin": "A WebAssembly filter for some proxies.",
    "gateway.networking.k8s.io/GRPCRoute": "Where gRPC requests that reach a Gateway or a Service go.",
    "gateway.networking.k8s.io/Gateway": "Listeners of a gateway or waypoint, and who may attach routes to them.",
    "gateway.networking.k8s.io/GatewayClass": "The controller that implements Gateways of this class.",
    "gateway.networking.k8s.io/HTTPRoute": "Where HTTP requests that reach a Gateway or a Service go.",
    "networking.istio.io/DestinationRule": "Policies for requests to a host that a route chose: subsets, TLS, limits.",
    "networking.istio.io/EnvoyFilter": "Patches to the configuration that istiod sends to proxies.",
    "networking.istio.io/Gateway": "Ports, hosts and TLS settings of gateway proxies.",
    "networking.istio.io/ProxyConfig": "Settings that proxies start with.",
    "networking.istio.io/ServiceEntry": "A host that Kubernetes does not know, added to the services of the mesh.",
    "networking.istio.io/Sidecar": "What some proxies listen on and which hosts they can call.",
    "networking.istio.io/VirtualService": "Rules that choose the destination of requests to some hosts.",
    "networking.istio.io/WorkloadEntry": "A workload that is not a pod, such as a virtual machine.",
    "networking.istio.io/WorkloadGroup": "A template for workloads that are not pods.",
    "networking.k8s.io/Ingress": "HTTP hosts and paths, and the Services behind them.",
    "security.istio.io/AuthorizationPolicy": "Who may call some workloads, and how.",
    "security.istio.io/PeerAuthentication": "Whether some workloads accept plain text, mutual TLS, or both.",
    "security.istio.io/RequestAuthentication": "The tokens (JWT) that some workloads validate.",
    "telemetry.istio.io/Telemetry": "The metrics, access logs and traces of some proxies.",
}


def schema_of(each: ResourceType) -> Json:
    """Return the schema of a kind's objects, without its group, version and kind."""
    return _known(each.kind.group, each.kind.name)


@cache
def _known(group: str, kind: str) -> Json:
    shape = shape_of(group=group, kind=kind)
    fields = {"spec": "object", "status": "object"} if shape is None else shape
    known = _schema(fields)
    properties = {"apiVersion": _STRING, "kind": _STRING, "metadata": _METADATA} | known["properties"]
    if "spec" in properties:
        properties.setdefault("status", _OPEN)
    return known | {"description": _PURPOSE.get(f"{group}/{kind}", ""), "properties": properties}


def _schema(shape: Any) -> Json:
    """Translate a shape: a word, a list of one shape, a mapping of fields, or one of any keys under `*`."""
    if isinstance(shape, str):
        return _SIMPLE[shape]
    if isinstance(shape, list):
        return {"type": "array", "items": _schema(shape[0])}
    if "*" in shape:
        return {"type": "object", "additionalProperties": _schema(shape["*"])}
    found = _OPEN | {"properties": {field: _schema(inner) for field, inner in shape.items() if field != "!"}}
    return found | {"required": list(shape["!"])} if "!" in shape else found
