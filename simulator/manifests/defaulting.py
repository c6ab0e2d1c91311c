"""Defaults that the API server writes into objects before istiod sees them.

Kubernetes: pkg/apis/{core,apps,batch,discovery}/v1/defaults.go; Gateway API: the `default` markers of its CRDs. Only
fields that some code, or kubectl, reads are filled in. Documents are changed in place: the reader has just parsed
them, and nothing else refers to them yet.
"""

from collections.abc import Callable, Iterable
from typing import Any

from simulator.model.resources import Resource
from simulator.model.wire import Json

GATEWAY_API = "gateway.networking.k8s.io"


def apply_defaults(resource: Resource) -> None:
    """Fill in, in place, the fields that the API server would."""
    default = _DEFAULTS.get((resource.group, resource.kind))
    if default is not None:
        default(resource.document)


def _spec(document: Json) -> Json:
    spec = document.get("spec")
    if spec is None:
        spec = document["spec"] = {}
    return spec if type(spec) is dict else {}


def _mappings(parent: Any, field: str) -> Iterable[Json]:
    values = parent.get(field) if type(parent) is dict else None
    return (value for value in values if type(value) is dict) if type(values) is list else ()


def _set(target: Json, **defaults: Any) -> None:
    for field, value in defaults.items():
        if target.get(field) is None:
            target[field] = value


def _service(document: Json) -> None:
    spec = _spec(document)
    _set(spec, type="ClusterIP", sessionAffinity="None")
    for port in _mappings(spec, "ports"):
        _set(port, protocol="TCP", targetPort=port.get("port"))
    if spec["type"] == "ExternalName":
        return
    _set(spec, internalTrafficPolicy="Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _set(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _set(spec, allocateLoadBalancerNodePorts=True)
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    elif spec.get("clusterIPs") and not spec.get("clusterIP"):
        spec["clusterIP"] = spec["clusterIPs"][0]


def default_pod_spec(spec: Json) -> None:
    """Fill in the spec of a Pod or of a pod template."""
    _set(spec, restartPolicy="Always", dnsPolicy="ClusterFirst", terminationGracePeriodSeconds=30)
    if spec.get("serviceAccount") and not spec.get("serviceAccountName"):
        spec["serviceAccountName"] = spec["serviceAccount"]
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for container in _mappings(spec, field):
            for port in _mappings(container, "ports"):
                _set(port, protocol="TCP")
                if spec.get("hostNetwork") is True:
                    _set(port, hostPort=port.get("containerPort"))


def _pod(document: Json) -> None:
    spec = _spec(document)
    default_pod_spec(spec)
    _set(spec, serviceAccountName="default")


def _template(parent: Json) -> None:
    template = parent.get("template")
    if type(template) is dict and type(template.get("spec")) is dict:
        default_pod_spec(template["spec"])


def _workload(document: Json) -> None:
    spec = _spec(document)
    _set(spec, replicas=1)
    _template(spec)


def _deployment(document: Json) -> None:
    _workload(document)
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    _set(_spec(document), progressDeadlineSeconds=600, revisionHistoryLimit=10, strategy=strategy)


def _stateful_set(document: Json) -> None:
    _workload(document)
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    _set(_spec(document), podManagementPolicy="OrderedReady", revisionHistoryLimit=10, updateStrategy=strategy)


def _daemon_set(document: Json) -> None:
    _template(_spec(document))
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    _set(_spec(document), revisionHistoryLimit=10, updateStrategy=strategy)


def _job(document: Json) -> None:
    spec = _spec(document)
    _set(spec, parallelism=1, backoffLimit=6)
    if "completions" not in spec and spec["parallelism"] == 1:
        spec["completions"] = 1
    _template(spec)


def _cron_job(document: Json) -> None:
    spec = _spec(document)
    _set(spec, concurrencyPolicy="Allow", suspend=False)
    job = spec.get("jobTemplate")
    if type(job) is dict and type(job.get("spec")) is dict:
        _template(job["spec"])


def _endpoint_slice(document: Json) -> None:
    for port in _mappings(document, "ports"):
        _set(port, name="", protocol="TCP")


def _endpoints(document: Json) -> None:
    for subset in _mappings(document, "subsets"):
        for port in _mappings(subset, "ports"):
            _set(port, protocol="TCP")


def _parents(spec: Json) -> None:
    for parent in _mappings(spec, "parentRefs"):
        _set(parent, group=GATEWAY_API, kind="Gateway")


def _backends(parent: Json) -> None:
    for backend in _mappings(parent, "backendRefs"):
        _set(backend, group="", kind="Service", weight=1)
        _filters(backend)


def _filters(parent: Json) -> None:
    for entry in _mappings(parent, "filters"):
        redirect = entry.get("requestRedirect")
        if type(redirect) is dict:
            _set(redirect, statusCode=302)
        mirror = entry.get("requestMirror")
        if type(mirror) is dict and type(mirror.get("backendRef")) is dict:
            _set(mirror["backendRef"], group="", kind="Service")
        cors = entry.get("cors")
        if type(cors) is dict:
            _set(cors, maxAge=5)


def _http_route(document: Json) -> None:
    spec = _spec(document)
    _parents(spec)
    if spec.get("rules") is None:
        spec["rules"] = [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}]
    for rule in _mappings(spec, "rules"):
        if rule.get("matches") is None:
            rule["matches"] = [{"path": {"type": "PathPrefix", "value": "/"}}]
        for match in _mappings(rule, "matches"):
            if match.get("path") is None:
                match["path"] = {}
            if type(match["path"]) is dict:
                _set(match["path"], type="PathPrefix", value="/")
            for header in (*_mappings(match, "headers"), *_mappings(match, "queryParams")):
                _set(header, type="Exact")
        _filters(rule)
        _backends(rule)


def _grpc_route(document: Json) -> None:
    spec = _spec(document)
    _parents(spec)
    for rule in _mappings(spec, "rules"):
        for match in _mappings(rule, "matches"):
            method = match.get("method")
            if type(method) is dict:
                _set(method, type="Exact")
            for header in _mappings(match, "headers"):
                _set(header, type="Exact")
        _filters(rule)
        _backends(rule)


def _stream_route(document: Json) -> None:
    spec = _spec(document)
    _parents(spec)
    for rule in _mappings(spec, "rules"):
        _backends(rule)


def _listeners(document: Json) -> None:
    spec = _spec(document)
    for listener in _mappings(spec, "listeners"):
        if listener.get("allowedRoutes") is None:
            listener["allowedRoutes"] = {}
        if type(listener["allowedRoutes"]) is dict:
            _set(listener["allowedRoutes"], namespaces={"from": "Same"})
            namespaces = listener["allowedRoutes"]["namespaces"]
            if type(namespaces) is dict and namespaces.get("from") is None:
                namespaces["from"] = "Same"
        tls = listener.get("tls")
        if type(tls) is dict:
            _set(tls, mode="Terminate")
            for reference in _mappings(tls, "certificateRefs"):
                _set(reference, group="", kind="Secret")
    parent = spec.get("parentRef")
    if type(parent) is dict:
        _set(parent, group=GATEWAY_API, kind="Gateway")


def _ingress(document: Json) -> None:
    for rule in _mappings(_spec(document), "rules"):
        http = rule.get("http")
        for path in _mappings(http, "paths"):
            _set(path, pathType="ImplementationSpecific")


def _secret(document: Json) -> None:
    _set(document, type="Opaque")
    texts = document.pop("stringData", None)
    if isinstance(texts, dict) and texts:
        from base64 import b64encode

        encoded = {key: b64encode(str(text).encode()).decode() for key, text in texts.items()}
        document["data"] = {**(document.get("data") or {}), **encoded}


def _namespace(document: Json) -> None:
    metadata = document["metadata"]
    labels = metadata.get("labels")
    metadata["labels"] = {**(labels or {}), "kubernetes.io/metadata.name": metadata["name"]}


_DEFAULTS: dict[tuple[str, str], Callable[[Json], None]] = {
    ("", "Service"): _service,
    ("", "Pod"): _pod,
    ("", "Namespace"): _namespace,
    ("", "Secret"): _secret,
    ("", "Endpoints"): _endpoints,
    ("", "ReplicationController"): _workload,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _workload,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
    ("discovery.k8s.io", "EndpointSlice"): _endpoint_slice,
    ("networking.k8s.io", "Ingress"): _ingress,
    (GATEWAY_API, "HTTPRoute"): _http_route,
    (GATEWAY_API, "GRPCRoute"): _grpc_route,
    (GATEWAY_API, "TCPRoute"): _stream_route,
    (GATEWAY_API, "TLSRoute"): _stream_route,
    (GATEWAY_API, "UDPRoute"): _stream_route,
    (GATEWAY_API, "Gateway"): _listeners,
    (GATEWAY_API, "ListenerSet"): _listeners,
}
