"""The columns that the API server prints for built-in kinds when kubectl asks for a table.

Kubernetes: pkg/printers/internalversion/printers.go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.apiserver.ages import age
from simulator.apiserver.cells import NONE, created, get, name, pairs, selector
from simulator.apiserver.columns_pods import pod_cells
from simulator.apiserver.columns_workloads import (
    cron_job_cells,
    daemon_set_cells,
    deployment_cells,
    job_cells,
    replica_set_cells,
    stateful_set_cells,
)
from simulator.model.wire import Json

Cells = Callable[[Json, datetime], Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Headings, with `wide` ones marked by a leading `+`, and the cells of an object under them."""

    headings: tuple[str, ...]
    cells: Cells

    def definitions(self) -> list[Json]:
        """Return the columnDefinitions of a Table."""
        return [
            {
                "name": heading.lstrip("+"),
                "type": "string",
                "format": "name" if heading == "Name" else "",
                "description": "",
                "priority": 1 if heading.startswith("+") else 0,
            }
            for heading in self.headings
        ]


def _service(document: Json, now: datetime) -> Sequence[Any]:
    spec = document.get("spec") or {}
    kind = spec.get("type") or "ClusterIP"
    return (
        name(document), kind, NONE if kind == "ExternalName" else spec.get("clusterIP") or NONE,
        _external(document, kind), _service_ports(spec.get("ports") or ()), created(document, now),
        pairs(spec.get("selector")),
    )  # fmt: skip


def _external(document: Json, kind: str) -> str:
    spec = document.get("spec") or {}
    listed = list(spec.get("externalIPs") or ())
    if kind == "ExternalName":
        return str(spec.get("externalName") or NONE)
    if kind == "LoadBalancer":
        ingress = get(document, "status", "loadBalancer", "ingress", default=[])
        listed = [each.get("ip") or each.get("hostname") or "" for each in ingress] + listed
        return ",".join(listed) or "<pending>"
    return ",".join(listed) or NONE


def _service_ports(ports: Sequence[Json]) -> str:
    texts = [f"{port.get('port')}{_node_port(port)}/{port.get('protocol') or 'TCP'}" for port in ports]
    return ",".join(texts) or NONE


def _node(document: Json, now: datetime) -> Sequence[Any]:
    status, labels = document.get("status") or {}, get(document, "metadata", "labels", default={})
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
    state = {"True": "Ready", "False": "NotReady"}.get(conditions.get("Ready", ""), "Unknown")
    if get(document, "spec", "unschedulable"):
        state += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    roles = ",".join(sorted(label.removeprefix(prefix) for label in labels if label.startswith(prefix))) or NONE
    addresses = {each.get("type"): each.get("address") for each in reversed(status.get("addresses") or ())}
    info = status.get("nodeInfo") or {}
    return (
        name(document), state, roles, created(document, now), info.get("kubeletVersion", ""),
        addresses.get("InternalIP") or NONE, addresses.get("ExternalIP") or NONE, info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>", info.get("containerRuntimeVersion") or "<unknown>",
    )  # fmt: skip


def _node_port(port: Json) -> str:
    return f":{port['nodePort']}" if port.get("nodePort") else ""


def _endpoints(document: Json, now: datetime) -> Sequence[Any]:
    found = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in document.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    return (name(document), _first(found, 3), created(document, now))


def _first(found: Sequence[str], count: int) -> str:
    more = f" + {len(found) - count} more..." if len(found) > count else ""
    return (",".join(found[:count]) + more) if found else NONE


def _endpoint_slice(document: Json, now: datetime) -> Sequence[Any]:
    ports = [str(port.get("port") or "*") for port in document.get("ports") or ()]
    found = [address for each in document.get("endpoints") or () for address in each.get("addresses") or ()]
    listed = ",".join(ports) or "<unset>"
    return (name(document), document.get("addressType", ""), listed, _first(found, 3), created(document, now))


def _event(document: Json, now: datetime) -> Sequence[Any]:
    about = document.get("involvedObject") or {}
    source = document.get("source") or {}
    last, count = document.get("lastTimestamp") or document.get("eventTime"), document.get("count") or 1
    seen = age(last, now)
    return (
        seen, document.get("type", ""), document.get("reason", ""),
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}", about.get("fieldPath", ""),
        source.get("component", ""), str(document.get("message", "")).strip(),
        age(document.get("firstTimestamp") or last, now), count, name(document),
    )  # fmt: skip


def _ingress(document: Json, now: datetime) -> Sequence[Any]:
    spec = document.get("spec") or {}
    hosts = [rule.get("host") or "*" for rule in spec.get("rules") or ()]
    ingress = get(document, "status", "loadBalancer", "ingress", default=[])
    address = ",".join(each.get("ip") or each.get("hostname") or "" for each in ingress)
    ports = "80, 443" if spec.get("tls") else "80"
    return (
        name(document),
        spec.get("ingressClassName") or NONE,
        _first(hosts, 3) if hosts else "*",
        address,
        ports,
        created(document, now),
    )


def _autoscaler(document: Json, now: datetime) -> Sequence[Any]:
    spec, status = document.get("spec") or {}, document.get("status") or {}
    target = spec.get("scaleTargetRef") or {}
    limits = (spec.get("minReplicas", 1), spec.get("maxReplicas", ""))
    return (
        name(document),
        f"{target.get('kind')}/{target.get('name')}",
        "<unknown>",
        *limits,
        status.get("currentReplicas", 0),
        created(document, now),
    )


def _data(document: Json, now: datetime) -> Sequence[Any]:
    return (
        name(document),
        len(document.get("data") or {}) + len(document.get("binaryData") or {}),
        created(document, now),
    )


def _secret(document: Json, now: datetime) -> Sequence[Any]:
    return (name(document), document.get("type") or "Opaque", len(document.get("data") or {}), created(document, now))


def _webhooks(document: Json, now: datetime) -> Sequence[Any]:
    return (name(document), len(document.get("webhooks") or ()), created(document, now))


def _binding(document: Json, now: datetime) -> Sequence[Any]:
    role, found = document.get("roleRef") or {}, {"User": [], "Group": [], "ServiceAccount": []}  # type: ignore[var-annotated]
    for subject in document.get("subjects") or ():
        prefix = f"{subject.get('namespace')}/" if subject.get("kind") == "ServiceAccount" else ""
        found.setdefault(subject.get("kind"), []).append(prefix + subject.get("name", ""))
    listed = [", ".join(found[kind]) for kind in ("User", "Group", "ServiceAccount")]
    return (name(document), f"{role.get('kind')}/{role.get('name')}", created(document, now), *listed)


def _claim(document: Json, now: datetime) -> Sequence[Any]:
    spec, status = document.get("spec") or {}, document.get("status") or {}
    modes = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    listed = ",".join(modes.get(mode, mode) for mode in status.get("accessModes") or spec.get("accessModes") or ())
    size = get(status, "capacity", "storage", default="")
    return (
        name(document), status.get("phase", ""), spec.get("volumeName", ""), size, listed,
        spec.get("storageClassName", ""), spec.get("volumeAttributesClassName") or "<unset>", created(document, now),
        spec.get("volumeMode") or "Filesystem",
    )  # fmt: skip


def _budget(document: Json, now: datetime) -> Sequence[Any]:
    spec = document.get("spec") or {}
    limits = [str(spec[field]) if field in spec else "N/A" for field in ("minAvailable", "maxUnavailable")]
    return (
        name(document),
        *limits,
        get(document, "status", "disruptionsAllowed", default=0),
        created(document, now),
    )


def _definition(document: Json, now: datetime) -> Sequence[Any]:
    return (name(document), document["metadata"].get("creationTimestamp", ""))


_PLAIN = Columns(headings=("Name", "Age"), cells=lambda document, now: (name(document), created(document, now)))
_TEMPLATE = ("+Containers", "+Images")
_BINDING = Columns(headings=("Name", "Role", "Age", "+Users", "+Groups", "+ServiceAccounts"), cells=_binding)
_WEBHOOKS = Columns(headings=("Name", "Webhooks", "Age"), cells=_webhooks)
_ROLE = Columns(headings=("Name", "Created At"), cells=_definition)
_COLUMNS: dict[str, Columns] = {
    "pods": Columns(
        headings=("Name", "Ready", "Status", "Restarts", "Age", "+IP", "+Node", "+Nominated Node", "+Readiness Gates"),
        cells=pod_cells,
    ),
    "services": Columns(
        headings=("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"), cells=_service
    ),
    "deployments.apps": Columns(
        headings=("Name", "Ready", "Up-to-date", "Available", "Age", *_TEMPLATE, "+Selector"), cells=deployment_cells
    ),
    "replicasets.apps": Columns(
        headings=("Name", "Desired", "Current", "Ready", "Age", *_TEMPLATE, "+Selector"), cells=replica_set_cells
    ),
    "replicationcontrollers": Columns(
        headings=("Name", "Desired", "Current", "Ready", "Age", *_TEMPLATE, "+Selector"), cells=replica_set_cells
    ),
    "statefulsets.apps": Columns(headings=("Name", "Ready", "Age", *_TEMPLATE), cells=stateful_set_cells),
    "daemonsets.apps": Columns(
        headings=(
            "Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age", *_TEMPLATE,
            "+Selector",
        ),
        cells=daemon_set_cells,
    ),
    "jobs.batch": Columns(
        headings=("Name", "Status", "Completions", "Duration", "Age", *_TEMPLATE, "+Selector"), cells=job_cells
    ),
    "cronjobs.batch": Columns(
        headings=("Name", "Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Age", *_TEMPLATE, "+Selector"),
        cells=cron_job_cells,
    ),
    "nodes": Columns(
        headings=("Name", "Status", "Roles", "Age", "Version", "+Internal-IP", "+External-IP", "+OS-Image",
                  "+Kernel-Version", "+Container-Runtime"),
        cells=_node,
    ),
    "namespaces": Columns(
        headings=("Name", "Status", "Age"),
        cells=lambda document, now: (
            name(document), get(document, "status", "phase", default=""), created(document, now)
        ),
    ),
    "endpoints": Columns(headings=("Name", "Endpoints", "Age"), cells=_endpoints),
    "endpointslices.discovery.k8s.io": Columns(
        headings=("Name", "AddressType", "Ports", "Endpoints", "Age"), cells=_endpoint_slice
    ),
    "events": Columns(
        headings=(
            "Last Seen", "Type", "Reason", "Object", "+Subobject", "+Source", "Message", "+First Seen", "+Count",
            "+Name",
        ),
        cells=_event,
    ),
    "ingresses.networking.k8s.io": Columns(
        headings=("Name", "Class", "Hosts", "Address", "Ports", "Age"), cells=_ingress
    ),
    "horizontalpodautoscalers.autoscaling": Columns(
        headings=("Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"), cells=_autoscaler
    ),
    "configmaps": Columns(headings=("Name", "Data", "Age"), cells=_data),
    "secrets": Columns(headings=("Name", "Type", "Data", "Age"), cells=_secret),
    "serviceaccounts": Columns(
        headings=("Name", "Secrets", "Age"),
        cells=lambda document, now: (name(document), len(document.get("secrets") or ()), created(document, now)),
    ),
    "networkpolicies.networking.k8s.io": Columns(
        headings=("Name", "Pod-Selector", "Age"),
        cells=lambda document, now: (
            name(document),
            selector({"spec": {"selector": get(document, "spec", "podSelector", default={})}}),
            created(document, now),
        ),
    ),
    "persistentvolumeclaims": Columns(
        headings=(
            "Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age",
            "+VolumeMode",
        ),
        cells=_claim,
    ),
    "poddisruptionbudgets.policy": Columns(
        headings=("Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"), cells=_budget
    ),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "customresourcedefinitions.apiextensions.k8s.io": _ROLE,
    "roles.rbac.authorization.k8s.io": _ROLE,
    "clusterroles.rbac.authorization.k8s.io": _ROLE,
    "rolebindings.rbac.authorization.k8s.io": _BINDING,
    "clusterrolebindings.rbac.authorization.k8s.io": _BINDING,
    "ingressclasses.networking.k8s.io": Columns(
        headings=("Name", "Controller", "Parameters", "Age"),
        cells=lambda document, now: (
            name(document), get(document, "spec", "controller", default=""), NONE, created(document, now)
        ),
    ),
    "leases.coordination.k8s.io": Columns(
        headings=("Name", "Holder", "Age"),
        cells=lambda document, now: (
            name(document), get(document, "spec", "holderIdentity", default=""), created(document, now)
        ),
    ),
}  # fmt: skip


def built_in(resource: str) -> Columns:
    """Return the columns of a built-in kind; kinds without columns of their own have name and age."""
    return _COLUMNS.get(resource, _PLAIN)
