"""EndpointSlices that mirror handwritten Endpoints: istiod reads only slices.

Kubernetes: pkg/controller/endpointslicemirroring.
"""

from collections.abc import Iterable, Iterator

from simulator.manifests.identity import suffix, uid
from simulator.model.resources import Resource
from simulator.model.wire import Json

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_MIRROR = "endpointslicemirroring-controller.k8s.io"
_SKIPPED = "endpointslice.kubernetes.io/skip-mirror"


def mirrored(given: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return slices for the Endpoints among the given resources that have none."""
    resources = tuple(given)
    sliced = {
        (resource.namespace, resource.labels.get(SERVICE_NAME))
        for resource in resources
        if resource.kind == "EndpointSlice"
    }
    return tuple(
        made
        for resource in resources
        if resource.kind == "Endpoints"
        and (resource.namespace, resource.name) not in sliced
        and resource.labels.get(_SKIPPED) != "true"
        for made in _slices(resource)
    )


def _slices(endpoints: Resource) -> Iterator[Resource]:
    for index, subset in enumerate(endpoints.document.get("subsets") or ()):
        for family in ("IPv4", "IPv6"):
            found = [
                _endpoint(address, ready=ready)
                for field, ready in (("addresses", True), ("notReadyAddresses", False))
                for address in subset.get(field) or ()
                if (":" in address.get("ip", "")) == (family == "IPv6")
            ]
            if found:
                yield _slice(endpoints, subset, family, found, index=index)


def _endpoint(address: Json, *, ready: bool) -> Json:
    kept = {field: address[field] for field in ("hostname", "nodeName", "targetRef") if address.get(field)}
    conditions = {"ready": ready, "serving": ready, "terminating": False}
    return {"addresses": [address.get("ip", "")], "conditions": conditions, **kept}


def _slice(endpoints: Resource, subset: Json, family: str, found: list[Json], *, index: int) -> Resource:
    name = f"{endpoints.name}-{suffix(5, 'Endpoints', endpoints.namespace, endpoints.name, family, index)}"
    metadata: Json = {
        "name": name,
        "namespace": endpoints.namespace,
        "labels": {**endpoints.labels, SERVICE_NAME: endpoints.name, MANAGED_BY: _MIRROR},
        "uid": uid("EndpointSlice", endpoints.namespace, name),
    }
    document: Json = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": family,
        "ports": [{"name": "", **port} for port in subset.get("ports") or ()],
        "endpoints": found,
    }
    return Resource(
        kind="EndpointSlice",
        api_version="discovery.k8s.io/v1",
        namespace=endpoints.namespace,
        name=name,
        document=document,
        origin=endpoints.origin,
    )
