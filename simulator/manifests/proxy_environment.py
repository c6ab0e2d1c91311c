"""Environment of an injected proxy's container, in the order of the injection templates."""

import json
from collections.abc import Mapping
from typing import Any

from simulator.manifests.proxy_config import printed
from simulator.manifests.template_context import Context, printed_value
from simulator.model.wire import Json


def literal(values: Mapping[str, Any]) -> list[Json]:
    """Spell `proxyMetadata` as environment variables."""
    return [{"name": name, "value": printed_value(value)} for name, value in sorted(values.items())]


def environment(context: Context, *, is_sidecar: bool) -> list[Json]:
    """Return the environment of the proxy of a pod."""
    injector, revision = context.injector, context.injector.revision
    istiod = "istiod" if revision == "default" else f"istiod-{revision}"
    address = injector.value("global.caAddress") or f"{istiod}.{injector.value('global.istioNamespace')}.svc:15012"
    trust_domain = injector.mesh.get("trustDomain") or "cluster.local"
    policy = (injector.mesh.get("inboundTrafficPolicy") or {}).get("mode")
    network = context.labels.get("topology.istio.io/network") or injector.value("global.network")
    name = (context.labels.get("service.istio.io/workload-name") if is_sidecar else "") or context.workload.name
    mode = context.interception_mode if is_sidecar else context.proxy_config.get("interceptionMode") or "REDIRECT"
    config = json.dumps(printed(context.proxy_config), separators=(",", ":"), ensure_ascii=False)
    entries: list[Json | None] = [
        _value("REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION", "true") if policy == "LOCALHOST" and is_sidecar else None,
        _value("PILOT_CERT_PROVIDER", injector.value("global.pilotCertProvider")),
        _value("CA_ADDR", address),
        _field("POD_NAME", "metadata.name"),
        _field("POD_NAMESPACE", "metadata.namespace"),
        _field("INSTANCE_IP", "status.podIP"),
        _field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
        _field("HOST_IP", "status.hostIP"),
        _limit("ISTIO_CPU_LIMIT", "limits.cpu"),
        _value("PROXY_CONFIG", config + "\n"),
        _value("ISTIO_META_POD_PORTS", _pod_ports(context)),
        _value("ISTIO_META_APP_CONTAINERS", ",".join(context.containers)),
        _limit("GOMEMLIMIT", "limits.memory"),
        _limit("GOMAXPROCS", "limits.cpu"),
        _value("ISTIO_META_CLUSTER_ID", injector.value("global.multiCluster.clusterName") or "Kubernetes"),
        _field("ISTIO_META_NODE_NAME", "spec.nodeName"),
        _value("ISTIO_META_INTERCEPTION_MODE", mode),
        _value("ISTIO_META_NETWORK", network) if network else None,
        _value("ISTIO_META_WORKLOAD_NAME", name) if name else None,
        _value("ISTIO_META_OWNER", context.workload.owner_url(context.namespace)),
        _value("ISTIO_META_MESH_ID", injector.value("global.meshID") or trust_domain),
        _value("TRUST_DOMAIN", trust_domain),
    ]
    if "sidecar.istio.io/bootstrapOverride" in context.annotations:
        entries.append(_value("ISTIO_BOOTSTRAP_OVERRIDE", "/etc/istio/custom-bootstrap/custom_bootstrap.json"))
    return [*filter(None, entries), *literal(context.proxy_config.get("proxyMetadata") or {})]


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
