"""Environment of an injected proxy's container, in the order of the injection templates."""

import json

from simulator.manifests.proxy_config import parse, printed
from simulator.manifests.telemetry_attributes import resource_attributes
from simulator.manifests.template_context import Context, printed_value
from simulator.model.wire import Json

_BOOTSTRAP = "sidecar.istio.io/bootstrapOverride"
_DATADOG = "apm.datadoghq.com/env"


def environment(context: Context, *, is_sidecar: bool) -> list[Json]:
    """Return the environment of the proxy of a pod."""
    injector = context.injector
    policy = (injector.mesh.get("inboundTrafficPolicy") or {}).get("mode")
    config = json.dumps(printed(context.proxy_config), separators=(",", ":"), ensure_ascii=False)
    containers = _value("ISTIO_META_APP_CONTAINERS", ",".join(context.containers))
    limits = [_limit("GOMEMLIMIT", "limits.memory"), _limit("GOMAXPROCS", "limits.cpu")]
    is_local = policy == "LOCALHOST" and is_sidecar
    return [
        *([_value("REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION", "true")] if is_local else ()),
        _value("PILOT_CERT_PROVIDER", injector.value("global.pilotCertProvider")),
        _value("CA_ADDR", _authority(context)),
        _field("POD_NAME", "metadata.name"),
        _field("POD_NAMESPACE", "metadata.namespace"),
        _field("INSTANCE_IP", "status.podIP"),
        _field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
        _field("HOST_IP", "status.hostIP"),
        _limit("ISTIO_CPU_LIMIT", "limits.cpu"),
        _value("PROXY_CONFIG", config + "\n"),
        _value("ISTIO_META_POD_PORTS", _pod_ports(context)),
        *([containers, *limits] if is_sidecar else [*limits, containers]),
        _value("ISTIO_META_CLUSTER_ID", injector.value("global.multiCluster.clusterName") or "Kubernetes"),
        _field("ISTIO_META_NODE_NAME", "spec.nodeName"),
        *_workload(context, is_sidecar=is_sidecar),
        *(_tracing(context) if is_sidecar else ()),
        *context.metadata_environment,
    ]


def _authority(context: Context) -> str:
    value, revision = context.injector.value, context.injector.revision
    istiod = "istiod" if revision == "default" else f"istiod-{revision}"
    return value("global.caAddress") or f"{istiod}.{value('global.istioNamespace')}.svc:15012"


def _workload(context: Context, *, is_sidecar: bool) -> list[Json]:
    """Return the variables about the proxy's workload and mesh."""
    injector = context.injector
    trust_domain = injector.mesh.get("trustDomain") or "cluster.local"
    network = context.labels.get("topology.istio.io/network") or injector.value("global.network")
    name = (context.labels.get("service.istio.io/workload-name") if is_sidecar else "") or context.workload.name
    mode = context.interception_mode if is_sidecar else context.proxy_config.get("interceptionMode") or "REDIRECT"
    override = "/etc/istio/custom-bootstrap/custom_bootstrap.json" if _BOOTSTRAP in context.annotations else ""
    entries = {
        "ISTIO_META_INTERCEPTION_MODE": mode,
        "ISTIO_META_NETWORK": network,
        "ISTIO_META_WORKLOAD_NAME": name,
        "ISTIO_META_OWNER": context.workload.owner_url(context.namespace),
        "ISTIO_BOOTSTRAP_OVERRIDE": override,
        "ISTIO_META_MESH_ID": injector.value("global.meshID") or trust_domain,
        "TRUST_DOMAIN": trust_domain,
    }
    return [_value(key, value) for key, value in entries.items() if value]


def _tracing(context: Context) -> list[Json]:
    """Return the variables that configure tracers: from annotations, labels and the mesh config."""
    is_datadog = context.injector.value("global.proxy.tracer") == "datadog"
    given = parse(context.annotations.get(_DATADOG, "")) if is_datadog else {}
    attributes = resource_attributes(context)
    return [
        *(_value(name, printed_value(value)) for name, value in sorted(given.items())),
        *([_value("OTEL_RESOURCE_ATTRIBUTES", attributes)] if attributes else ()),
    ]


def _value(name: str, value: str) -> Json:
    return {"name": name, "value": value} if value else {"name": name}


def _field(name: str, path: str) -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _limit(name: str, resource: str) -> Json:
    return {"name": name, "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": "1"}}}


def _pod_ports(context: Context) -> str:
    ports = [
        json.dumps({key: port[key] for key in _PORT_FIELDS if port.get(key)}, separators=(",", ":"))
        for container in context.spec.get("containers") or ()
        for port in container.get("ports") or ()
    ]
    return "[\n" + "".join(f"    {',' if index else ''}{port}\n" for index, port in enumerate(ports)) + "]"


_PORT_FIELDS = ("name", "hostPort", "containerPort", "protocol", "hostIP")
