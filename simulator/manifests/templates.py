"""The injection templates `sidecar` and `gateway`, rendered for one pod.

istiod: manifests/charts/istio-control/istio-discovery/files/injection-template.yaml and
gateway-injection-template.yaml. Istio CNI's template is the same with a validating init container.
"""

from simulator.manifests.proxy_environment import environment
from simulator.manifests.proxy_security import PROXY_USER, proxy_security
from simulator.manifests.proxy_volumes import mounts, volumes
from simulator.manifests.template_context import Context
from simulator.manifests.traffic_capture import cni_annotations, init_container
from simulator.model.wire import Json

_LOW_PORTS: Json = {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}


def sidecar(context: Context) -> Json:
    """Render the `sidecar` template: a pod with nothing but the additions."""
    labels = {"security.istio.io/tlsMode": context.labels.get("security.istio.io/tlsMode") or "istio"}
    if (context.proxy_config.get("proxyMetadata") or {}).get("ISTIO_META_ENABLE_HBONE") == "true":
        labels["networking.istio.io/tunnel"] = context.labels.get("networking.istio.io/tunnel") or "http"
    canonical = _canonical(context)
    canonical["service.istio.io/canonical-name"] = canonical["service.istio.io/canonical-name"][:63].removesuffix("-")
    init = [] if context.interception_mode == "NONE" else [init_container(context)]
    proxy = _proxy(context, role="sidecar")
    spec: Json = {"volumes": volumes(context, is_sidecar=True), **_pull_secrets(context)}
    if context.native:
        spec["initContainers"] = [*init, {**proxy, "restartPolicy": "Always"}]
    else:
        spec |= {"containers": [proxy], **({"initContainers": init} if init else {})}
    return {
        "metadata": {
            "labels": {**labels, **canonical},
            "annotations": {**_annotations(context), **cni_annotations(context)},
        },
        "spec": spec,
    }


def gateway(context: Context) -> Json:
    """Render the `gateway` template."""
    spec: Json = {
        "securityContext": context.injector.value("gateways.securityContext") or _LOW_PORTS,
        "containers": [_proxy(context, role="router")],
        "volumes": volumes(context, is_sidecar=False),
        **_pull_secrets(context),
    }
    return {"metadata": {"labels": _canonical(context), "annotations": _annotations(context)}, "spec": spec}


def _pull_secrets(context: Context) -> Json:
    names = context.injector.value("global.imagePullSecrets") or ()
    return {"imagePullSecrets": [{"name": name} for name in names]} if names else {}


def _canonical(context: Context) -> dict[str, str]:
    def first(*names: str) -> str:
        return next((context.labels[name] for name in names if context.labels.get(name)), "")

    name = first("service.istio.io/canonical-name", "app.kubernetes.io/name", "app") or context.workload.name
    revision = first("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version") or "latest"
    return {"service.istio.io/canonical-name": name, "service.istio.io/canonical-revision": revision}


def _annotations(context: Context) -> dict[str, str]:
    added = {"istio.io/rev": context.injector.revision}
    for name in ("kubectl.kubernetes.io/default-logs-container", "kubectl.kubernetes.io/default-container"):
        if context.containers and name not in context.annotations:
            added[name] = context.containers[0]
    return added


def _proxy(context: Context, *, role: str) -> Json:
    is_sidecar = role == "sidecar"
    domain = context.injector.value("global.proxy.clusterDomain", "cluster.local")
    container: Json = {
        "name": "istio-proxy",
        "image": context.image("global.proxy.image"),
        **context.pull_policy,
        "ports": [{"containerPort": 15090, "protocol": "TCP", "name": "http-envoy-prom"}],
        "args": [
            *("proxy", role, "--domain", f"$(POD_NAMESPACE).svc.{domain}"),
            f"--proxyLogLevel={context.annotation('sidecar.istio.io/logLevel', 'global.proxy.logLevel')}",
            "--proxyComponentLogLevel="
            + context.annotation("sidecar.istio.io/componentLogLevel", "global.proxy.componentLogLevel"),
            *_switches(context, is_sidecar=is_sidecar),
        ],
        "env": environment(context, is_sidecar=is_sidecar),
        "securityContext": proxy_security(context)
        if is_sidecar
        else {"runAsGroup": PROXY_USER, "runAsUser": PROXY_USER},
        "volumeMounts": mounts(context, is_sidecar=is_sidecar),
    }
    if is_sidecar:
        container["resources"] = context.resources
        container |= _lifecycle(context)
    if context.status_port != "0" or not is_sidecar:
        container |= _health(context, is_sidecar=is_sidecar)
    return container


def _switches(context: Context, *, is_sidecar: bool) -> list[str]:
    value = context.injector.value
    port, outliers = value("global.sts.servicePort"), value("global.proxy.outlierLogPath") if is_sidecar else ""
    return [
        f"--log_output_level={context.annotation('sidecar.istio.io/agentLogLevel', 'global.logging.level')}",
        *([f"--stsPort={port}"] if port else []),
        *(["--log_as_json"] if value("global.logAsJson", False) else []),
        *([f"--outlierLogPath={outliers}"] if outliers else []),
    ]


def _lifecycle(context: Context) -> Json:
    given = context.injector.value("global.proxy.lifecycle", None)
    if given:
        return {"lifecycle": given}
    if context.native:
        command = ["pilot-agent", "request", f"--debug-port={context.status_port}", "POST", "drain"]
        return {"lifecycle": {"preStop": {"exec": {"command": command}}}}
    held = context.proxy_config.get("holdApplicationUntilProxyStarts") or context.injector.value(
        "global.proxy.holdApplicationUntilProxyStarts", False
    )
    return {"lifecycle": {"postStart": {"exec": {"command": ["pilot-agent", "wait"]}}}} if held else {}


def _health(context: Context, *, is_sidecar: bool) -> Json:
    def number(name: str, value: str) -> int:
        text = context.annotation(f"readiness.status.sidecar.istio.io/{name}", value) if is_sidecar else ""
        return int(text) if text.isdigit() else int(context.injector.value(value, 0))

    action = {"path": "/healthz/ready", "port": 15021}
    readiness: Json = {
        "httpGet": action,
        "periodSeconds": number("periodSeconds", "global.proxy.readinessPeriodSeconds"),
        "timeoutSeconds": 3,
        "failureThreshold": number("failureThreshold", "global.proxy.readinessFailureThreshold"),
    }
    if delay := number("initialDelaySeconds", "global.proxy.readinessInitialDelaySeconds"):
        readiness["initialDelaySeconds"] = delay
    if not is_sidecar or not context.injector.value("global.proxy.startupProbe.enabled", False):
        return {"readinessProbe": readiness}
    failures = context.injector.value("global.proxy.startupProbe.failureThreshold", 600)
    startup = {"httpGet": action, "periodSeconds": 1, "timeoutSeconds": 3, "failureThreshold": failures}
    return {"startupProbe": startup, "readinessProbe": readiness}


def managed_proxy(context: Context, *, role: str, network: str | None) -> Json:
    """Render the pod spec of a gateway or waypoint that istiod deploys itself (kube-gateway.yaml, waypoint.yaml)."""
    proxy = _proxy(context, role=role)
    dropped = {"ISTIO_META_POD_PORTS", "ISTIO_META_APP_CONTAINERS"} if role == "waypoint" else set()
    variables = [entry for entry in proxy["env"] if entry["name"] not in dropped]
    variables = [
        {"name": "ISTIO_META_POD_PORTS", "value": "[]"} if entry["name"] == "ISTIO_META_POD_PORTS" else entry
        for entry in variables
    ]
    if network:
        variables.append({"name": "ISTIO_META_REQUESTED_NETWORK_VIEW", "value": network})
    proxy |= {
        "env": variables,
        "resources": dict(context.injector.value("global.proxy.resources", {})),
        "ports": [
            {"containerPort": 15020, "name": "metrics", "protocol": "TCP"},
            {"containerPort": 15021, "name": "status-port", "protocol": "TCP"},
            *proxy["ports"],
        ],
    }
    spec: Json = {"containers": [proxy], "volumes": volumes(context, is_sidecar=True), **_pull_secrets(context)}
    if role == "router":
        spec["securityContext"] = _LOW_PORTS
    return spec
