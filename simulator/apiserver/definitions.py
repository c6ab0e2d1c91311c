"""CustomResourceDefinitions of Istio 1.30 and Gateway API, as an installation leaves them in a cluster.

They have only what clients read: names, versions, and the columns that `kubectl get` shows; schemas are open.
Istio: manifests/charts/base/files/crd-all.gen.yaml. Gateway API: the standard and experimental channels.
"""

from collections.abc import Iterable

from simulator.apiserver.catalog import is_custom
from simulator.manifests.kinds import Kind, kinds
from simulator.model.wire import Json

BUNDLE_VERSION = "v1.5.0"
Column = tuple[str, str, str]
_AGE: Column = ("Age", "date", ".metadata.creationTimestamp")
_ACTION: Column = ("Action", "string", ".spec.action")
_COLUMNS: dict[tuple[str, str], tuple[Column, ...]] = {
    ("networking.istio.io", "DestinationRule"): (("Host", "string", ".spec.host"), _AGE),
    ("networking.istio.io", "VirtualService"): (
        ("Gateways", "string", ".spec.gateways"),
        ("Hosts", "string", ".spec.hosts"),
        _AGE,
    ),
    ("networking.istio.io", "ServiceEntry"): (
        ("Hosts", "string", ".spec.hosts"),
        ("Location", "string", ".spec.location"),
        ("Resolution", "string", ".spec.resolution"),
        _AGE,
    ),
    ("networking.istio.io", "WorkloadEntry"): (_AGE, ("Address", "string", ".spec.address")),
    ("networking.istio.io", "WorkloadGroup"): (_AGE,),
    ("networking.istio.io", "Gateway"): (),
    ("security.istio.io", "AuthorizationPolicy"): (_ACTION, _AGE),
    ("security.istio.io", "PeerAuthentication"): (("Mode", "string", ".spec.mtls.mode"), _AGE),
    ("security.istio.io", "RequestAuthentication"): (),
    ("telemetry.istio.io", "Telemetry"): (_AGE,),
    ("extensions.istio.io", "WasmPlugin"): (_AGE,),
    ("gateway.networking.k8s.io", "Gateway"): (
        ("Class", "string", ".spec.gatewayClassName"),
        ("Address", "string", ".status.addresses[*].value"),
        ("Programmed", "string", ".status.conditions[?(@.type=='Programmed')].status"),
        _AGE,
    ),
    ("gateway.networking.k8s.io", "GatewayClass"): (
        ("Controller", "string", ".spec.controllerName"),
        ("Accepted", "string", ".status.conditions[?(@.type=='Accepted')].status"),
        _AGE,
    ),
    ("gateway.networking.k8s.io", "HTTPRoute"): (("Hostnames", "string", ".spec.hostnames"), _AGE),
    ("gateway.networking.k8s.io", "GRPCRoute"): (("Hostnames", "string", ".spec.hostnames"), _AGE),
    ("gateway.networking.k8s.io", "TLSRoute"): (("Hostnames", "string", ".spec.hostnames"), _AGE),
}


def definitions() -> Iterable[Json]:
    """Yield the CustomResourceDefinitions that a cluster with Istio has."""
    for kind in kinds().values():
        if is_custom(kind.group):
            yield _definition(kind)


def _definition(kind: Kind) -> Json:
    metadata: Json = {"name": f"{kind.plural}.{kind.group}"}
    if kind.group.startswith("gateway."):
        channel = "experimental" if all("alpha" in version for version in kind.versions) else "standard"
        metadata["annotations"] = {
            "gateway.networking.k8s.io/bundle-version": BUNDLE_VERSION,
            "gateway.networking.k8s.io/channel": channel,
        }
    else:
        metadata["labels"] = {"app": "istio-pilot", "chart": "istio", "heritage": "Tiller", "release": "istio"}
    names: Json = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.singular,
    }
    if kind.short_names:
        names["shortNames"] = list(kind.short_names)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": kind.group,
            "names": names,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [_version(kind, version) for version in kind.versions],
        },
        "status": {
            "acceptedNames": names,
            "conditions": [
                {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts"},
                {"type": "Established", "status": "True", "reason": "InitialNamesAccepted"},
            ],
            "storedVersions": [kind.versions[0]],
        },
    }


def _version(kind: Kind, version: str) -> Json:
    declared = _COLUMNS.get((kind.group, kind.name), (_AGE,))
    document: Json = {
        "name": version,
        "served": True,
        "storage": version == kind.versions[0],
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        "subresources": {"status": {}},
    }
    if declared:
        columns = [{"name": name, "type": kind_, "jsonPath": path} for name, kind_, path in declared]
        document["additionalPrinterColumns"] = columns
    return document
