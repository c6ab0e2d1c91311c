"""The columns that the API server prints for built-in kinds when kubectl asks for a table.

Kubernetes: pkg/printers/internalversion/printers.go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.apiserver.ages import age, human
from simulator.apiserver.columns_pods import pod_cells
from simulator.model.wire import Json

NONE = "<none>"
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


def _get(document: Any, *path: str, default: Any = None) -> Any:
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return default if document is None else document


def _created(document: Json, now: datetime) -> str:
    return age(_get(document, "metadata", "creationTimestamp"), now)


def _name(document: Json) -> str:
    return str(document["metadata"]["name"])


def pairs(labels: Any) -> str:
    """Print a label map as a selector."""
    if not isinstance(labels, dict) or not labels:
        return NONE
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _selector(document: Json) -> str:
    selector = _get(document, "spec", "selector", default={})
    texts = [] if not selector.get("matchLabels") else [pairs(selector["matchLabels"])]
    for each in selector.get("matchExpressions") or ():
        values = f" ({','.join(each.get('values') or ())})" if each.get("values") else ""
        texts.append(f"{each.get('key')} {str(each.get('operator', '')).lower()}{values}")
    return ",".join(texts) or NONE


def _containers(document: Json) -> tuple[str, str]:
    found = _get(document, "spec", "template", "spec", "containers", default=[])
    return ",".join(each.get("name", "") for each in found), ",".join(each.get("image", "") for each in found)


def _service(document: Json, now: datetime) -> Sequence[Any]:
    spec = document.get("spec") or {}
    kind = spec.get("type") or "ClusterIP"
    return (
        _name(document), kind, NONE if kind == "ExternalName" else spec.get("clusterIP") or NONE,
        _external(document, kind), _service_ports(spec.get("ports") or ()), _created(document, now),
        pairs(spec.get("selector")),
    )  # fmt: skip


def _external(document: Json, kind: str) -> str:
    spec = document.get("spec") or {}
    listed = list(spec.get("externalIPs") or ())
    if kind == "ExternalName":
        return str(spec.get("externalName") or NONE)
    if kind == "LoadBalancer":
        ingress = _get(document, "status", "loadBalancer", "ingress", default=[])
        listed = [each.get("ip") or each.get("hostname") or "" for each in ingress] + listed
        return ",".join(listed) or "<pending>"
    return ",".join(listed) or NONE


def _service_ports(ports: Sequence[Json]) -> str:
    texts = [
        f"{port.get('port')}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol') or 'TCP'}"
        for port in ports
    ]
    return ",".join(texts) or NONE


def _deployment(document: Json, now: datetime) -> Sequence[Any]:
    status, names = document.get("status") or {}, _containers(document)
    ready = f"{status.get('readyReplicas', 0)}/{_get(document, 'spec', 'replicas', default=1)}"
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    return (_name(document), ready, updated, available, _created(document, now), *names, _selector(document))


def _replica_set(document: Json, now: datetime) -> Sequence[Any]:
    status = document.get("status") or {}
    counts = (_get(document, "spec", "replicas", default=1), status.get("replicas", 0), status.get("readyReplicas", 0))
    return (_name(document), *counts, _created(document, now), *_containers(document), _selector(document))


def _stateful_set(document: Json, now: datetime) -> Sequence[Any]:
    ready = f"{_get(document, 'status', 'readyReplicas', default=0)}/{_get(document, 'spec', 'replicas', default=1)}"
    return (_name(document), ready, _created(document, now), *_containers(document))


def _daemon_set(document: Json, now: datetime) -> Sequence[Any]:
    status = document.get("status") or {}
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    node_selector = pairs(_get(document, "spec", "template", "spec", "nodeSelector"))
    counts = [status.get(field, 0) for field in fields]
    return (
        _name(document),
        *counts,
        node_selector,
        _created(document, now),
        *_containers(document),
        _selector(document),
    )


def _job(document: Json, now: datetime) -> Sequence[Any]:
    status, spec = document.get("status") or {}, document.get("spec") or {}
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
    state = (
        "Complete"
        if conditions.get("Complete") == "True"
        else "Failed"
        if conditions.get("Failed") == "True"
        else "Running"
    )
    wanted = spec.get("completions")
    done = f"{status.get('succeeded', 0)}/{wanted if wanted is not None else 1}"
    return (
        _name(document),
        state,
        done,
        _took(status, now),
        _created(document, now),
        *_containers(document),
        _selector(document),
    )


def _took(status: Json, now: datetime) -> str:
    if not status.get("startTime"):
        return ""
    start = datetime.fromisoformat(str(status["startTime"]).replace("Z", "+00:00"))
    done = status.get("completionTime")
    end = datetime.fromisoformat(str(done).replace("Z", "+00:00")) if done else now
    return human((end - start).total_seconds())


def _cron_job(document: Json, now: datetime) -> Sequence[Any]:
    spec, status = document.get("spec") or {}, document.get("status") or {}
    last = age(status.get("lastScheduleTime"), now) if status.get("lastScheduleTime") else NONE
    template = {"spec": _get(spec, "jobTemplate", "spec", default={})}
    return (
        _name(document), spec.get("schedule", ""), spec.get("timeZone") or NONE, str(bool(spec.get("suspend"))),
        len(status.get("active") or ()), last, _created(document, now), *_containers(template), _selector(template),
    )  # fmt: skip


def _node(document: Json, now: datetime) -> Sequence[Any]:
    status, labels = document.get("status") or {}, _get(document, "metadata", "labels", default={})
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
    state = {"True": "Ready", "False": "NotReady"}.get(conditions.get("Ready", ""), "Unknown")
    if _get(document, "spec", "unschedulable"):
        state += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    roles = ",".join(sorted(label.removeprefix(prefix) for label in labels if label.startswith(prefix))) or NONE
    addresses = {each.get("type"): each.get("address") for each in status.get("addresses") or ()}
    info = status.get("nodeInfo") or {}
    return (
        _name(document), state, roles, _created(document, now), info.get("kubeletVersion", ""),
        addresses.get("InternalIP") or NONE, addresses.get("ExternalIP") or NONE, info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>", info.get("containerRuntimeVersion") or "<unknown>",
    )  # fmt: skip


def _endpoints(document: Json, now: datetime) -> Sequence[Any]:
    found = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in document.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    return (_name(document), _first(found, 3), _created(document, now))


def _first(found: Sequence[str], count: int) -> str:
    more = f" + {len(found) - count} more..." if len(found) > count else ""
    return (",".join(found[:count]) + more) if found else NONE


def _endpoint_slice(document: Json, now: datetime) -> Sequence[Any]:
    ports = [str(port.get("port") or "*") for port in document.get("ports") or ()]
    found = [address for each in document.get("endpoints") or () for address in each.get("addresses") or ()]
    listed = ",".join(ports) or "<unset>"
    return (_name(document), document.get("addressType", ""), listed, _first(found, 3), _created(document, now))


def _event(document: Json, now: datetime) -> Sequence[Any]:
    about = document.get("involvedObject") or {}
    source = document.get("source") or {}
    last, count = document.get("lastTimestamp") or document.get("eventTime"), document.get("count") or 1
    seen = age(last, now)
    return (
        seen, document.get("type", ""), document.get("reason", ""),
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}", about.get("fieldPath", ""),
        source.get("component", ""), str(document.get("message", "")).strip(),
        age(document.get("firstTimestamp") or last, now), count, _name(document),
    )  # fmt: skip


def _ingress(document: Json, now: datetime) -> Sequence[Any]:
    spec = document.get("spec") or {}
    hosts = [rule.get("host") or "*" for rule in spec.get("rules") or ()]
    ingress = _get(document, "status", "loadBalancer", "ingress", default=[])
    address = ",".join(each.get("ip") or each.get("hostname") or "" for each in ingress)
    ports = "80, 443" if spec.get("tls") else "80"
    return (
        _name(document),
        spec.get("ingressClassName") or NONE,
        _first(hosts, 3) if hosts else "*",
        address,
        ports,
        _created(document, now),
    )


def _autoscaler(document: Json, now: datetime) -> Sequence[Any]:
    spec, status = document.get("spec") or {}, document.get("status") or {}
    target = spec.get("scaleTargetRef") or {}
    limits = (spec.get("minReplicas", 1), spec.get("maxReplicas", ""))
    return (
        _name(document),
        f"{target.get('kind')}/{target.get('name')}",
        "<unknown>",
        *limits,
        status.get("currentReplicas", 0),
        _created(document, now),
    )


def _data(document: Json, now: datetime) -> Sequence[Any]:
    return (
        _name(document),
        len(document.get("data") or {}) + len(document.get("binaryData") or {}),
        _created(document, now),
    )


def _secret(document: Json, now: datetime) -> Sequence[Any]:
    return (_name(document), document.get("type") or "Opaque", len(document.get("data") or {}), _created(document, now))


def _webhooks(document: Json, now: datetime) -> Sequence[Any]:
    return (_name(document), len(document.get("webhooks") or ()), _created(document, now))


def _binding(document: Json, now: datetime) -> Sequence[Any]:
    role, found = document.get("roleRef") or {}, {"User": [], "Group": [], "ServiceAccount": []}  # type: ignore[var-annotated]
    for subject in document.get("subjects") or ():
        prefix = f"{subject.get('namespace')}/" if subject.get("kind") == "ServiceAccount" else ""
        found.setdefault(subject.get("kind"), []).append(prefix + subject.get("name", ""))
    listed = [", ".join(found[kind]) for kind in ("User", "Group", "ServiceAccount")]
    return (_name(document), f"{role.get('kind')}/{role.get('name')}", _created(document, now), *listed)


def _claim(document: Json, now: datetime) -> Sequence[Any]:
    spec, status = document.get("spec") or {}, document.get("status") or {}
    modes = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    listed = ",".join(modes.get(mode, mode) for mode in status.get("accessModes") or spec.get("accessModes") or ())
    size = _get(status, "capacity", "storage", default="")
    return (
        _name(document), status.get("phase", ""), spec.get("volumeName", ""), size, listed,
        spec.get("storageClassName", ""), spec.get("volumeAttributesClassName") or "<unset>", _created(document, now),
        spec.get("volumeMode") or "Filesystem",
    )  # fmt: skip


def _budget(document: Json, now: datetime) -> Sequence[Any]:
    spec = document.get("spec") or {}
    limits = [str(spec[field]) if field in spec else "N/A" for field in ("minAvailable", "maxUnavailable")]
    return (
        _name(document),
        *limits,
        _get(document, "status", "disruptionsAllowed", default=0),
        _created(document, now),
    )


def _definition(document: Json, now: datetime) -> Sequence[Any]:
    return (_name(document), document["metadata"].get("creationTimestamp", ""))


_PLAIN = Columns(headings=("Name", "Age"), cells=lambda document, now: (_name(document), _created(document, now)))
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
        headings=("Name", "Ready", "Up-to-date", "Available", "Age", *_TEMPLATE, "+Selector"), cells=_deployment
    ),
    "replicasets.apps": Columns(
        headings=("Name", "Desired", "Current", "Ready", "Age", *_TEMPLATE, "+Selector"), cells=_replica_set
    ),
    "replicationcontrollers": Columns(
        headings=("Name", "Desired", "Current", "Ready", "Age", *_TEMPLATE, "+Selector"), cells=_replica_set
    ),
    "statefulsets.apps": Columns(headings=("Name", "Ready", "Age", *_TEMPLATE), cells=_stateful_set),
    "daemonsets.apps": Columns(
        headings=("Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age", *_TEMPLATE, "+Selector"),
        cells=_daemon_set,
    ),
    "jobs.batch": Columns(
        headings=("Name", "Status", "Completions", "Duration", "Age", *_TEMPLATE, "+Selector"), cells=_job
    ),
    "cronjobs.batch": Columns(
        headings=("Name", "Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Age", *_TEMPLATE, "+Selector"),
        cells=_cron_job,
    ),
    "nodes": Columns(
        headings=("Name", "Status", "Roles", "Age", "Version", "+Internal-IP", "+External-IP", "+OS-Image",
                  "+Kernel-Version", "+Container-Runtime"),
        cells=_node,
    ),
    "namespaces": Columns(
        headings=("Name", "Status", "Age"),
        cells=lambda document, now: (_name(document), _get(document, "status", "phase", default=""), _created(document, now)),
    ),
    "endpoints": Columns(headings=("Name", "Endpoints", "Age"), cells=_endpoints),
    "endpointslices.discovery.k8s.io": Columns(
        headings=("Name", "AddressType", "Ports", "Endpoints", "Age"), cells=_endpoint_slice
    ),
    "events": Columns(
        headings=("Last Seen", "Type", "Reason", "Object", "+Subobject", "+Source", "Message", "+First Seen", "+Count", "+Name"),
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
        cells=lambda document, now: (_name(document), len(document.get("secrets") or ()), _created(document, now)),
    ),
    "networkpolicies.networking.k8s.io": Columns(
        headings=("Name", "Pod-Selector", "Age"),
        cells=lambda document, now: (
            _name(document),
            _selector({"spec": {"selector": _get(document, "spec", "podSelector", default={})}}),
            _created(document, now),
        ),
    ),
    "persistentvolumeclaims": Columns(
        headings=("Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age", "+VolumeMode"),
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
            _name(document), _get(document, "spec", "controller", default=""), NONE, _created(document, now)
        ),
    ),
    "leases.coordination.k8s.io": Columns(
        headings=("Name", "Holder", "Age"),
        cells=lambda document, now: (
            _name(document), _get(document, "spec", "holderIdentity", default=""), _created(document, now)
        ),
    ),
}  # fmt: skip


def built_in(resource: str) -> Columns:
    """Return the columns of a built-in kind; kinds without columns of their own have name and age."""
    return _COLUMNS.get(resource, _PLAIN)
