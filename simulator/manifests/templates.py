"""The injection templates `sidecar` and `gateway`, rendered for one pod.

istiod: manifests/charts/istio-control/istio-discovery/files/injection-template.yaml and
gateway-injection-template.yaml. Istio CNI's template is the same with a validating init container.
"""

from simulator.manifests.proxy_environment import environment, literal
from simulator.manifests.proxy_volumes import mounts, volumes
from simulator.manifests.template_context import Context
from simulator.model.wire import Json

_TRAFFIC = "traffic.sidecar.istio.io/"


def sidecar(context: Context) -> Json:
    """Render the `sidecar` template: a pod with only what is to be added."""
    labels = {"security.istio.io/tlsMode": context.labels.get("security.istio.io/tlsMode") or "istio"}
    if (context.proxy_config.get("proxyMetadata") or {}).get("ISTIO_META_ENABLE_HBONE") == "true":
        labels["networking.istio.io/tunnel"] = context.labels.get("networking.istio.io/tunnel") or "http"
    canonical = _canonical(context)
    canonical["service.istio.io/canonical-name"] = canonical["service.istio.io/canonical-name"][:63].removesuffix("-")
    init = [] if context.interception_mode == "NONE" else [_iptables(context)]
    proxy = _proxy(context, role="sidecar")
    spec: Json = {"volumes": volumes(context.injector, context.annotations)}
    if context.native:
        spec["initContainers"] = [*init, {**proxy, "restartPolicy": "Always"}]
    else:
        spec |= {"containers": [proxy], **({"initContainers": init} if init else {})}
    return {
        "metadata": {
            "labels": {**labels, **canonical},
            "annotations": {**_annotations(context), **_cni_annotations(context)},
        },
        "spec": spec,
    }


def gateway(context: Context) -> Json:
    """Render the `gateway` template."""
    spec: Json = {
        "securityContext": {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]},
        "containers": [_proxy(context, role="router")],
        "volumes": [
            volume for volume in volumes(context.injector, context.annotations) if volume["name"] != "istio-ca-crl"
        ],
    }
    return {"metadata": {"labels": _canonical(context), "annotations": _annotations(context)}, "spec": spec}


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


def _cni_annotations(context: Context) -> dict[str, str]:
    """Tell the CNI plugin what the init container would otherwise be told."""
    if not context.injector.value("pilot.cni.enabled", False):
        return {}
    traffic = {
        "includeOutboundIPRanges": context.annotation(
            _TRAFFIC + "includeOutboundIPRanges", "global.proxy.includeIPRanges"
        ),
        "excludeOutboundIPRanges": context.annotation(
            _TRAFFIC + "excludeOutboundIPRanges", "global.proxy.excludeIPRanges"
        ),
        "includeInboundPorts": context.annotation(_TRAFFIC + "includeInboundPorts", "global.proxy.includeInboundPorts"),
        "excludeInboundPorts": _excluded_ports(context),
    }
    added = {_TRAFFIC + name: value for name, value in traffic.items() if value or name.endswith("InboundPorts")}
    return {"sidecar.istio.io/interceptionMode": context.interception_mode, **added}


def _image(context: Context, *, chart_value: str) -> str:
    image = context.annotation("sidecar.istio.io/proxyImage", chart_value)
    if "/" in image:
        return image
    injector = context.injector
    name, tag = injector.value("global.proxy.image", "proxyv2"), str(injector.value("global.tag"))
    variant = context.annotations.get("sidecar.istio.io/proxyImageType") or (
        context.proxy_config.get("image") or {}
    ).get("imageType", injector.value("global.variant"))
    if variant:
        tag = tag.removesuffix("-distroless").removesuffix("-debug")
        tag = tag if variant == "default" else f"{tag}-{variant}"
    return f"{injector.value('global.hub')}/{name}:{tag}"


def _resources(context: Context) -> Json:
    prefix = "sidecar.istio.io/"
    wanted = {
        "requests": {"cpu": "proxyCPU", "memory": "proxyMemory"},
        "limits": {"cpu": "proxyCPULimit", "memory": "proxyMemoryLimit"},
    }
    found = {
        kind: {
            name: context.annotations[prefix + suffix]
            for name, suffix in fields.items()
            if prefix + suffix in context.annotations
        }
        for kind, fields in wanted.items()
    }
    given = {kind: values for kind, values in found.items() if values}
    return given or dict(context.injector.value("global.proxy.resources", {}))


def _excluded_ports(context: Context) -> str:
    excluded = context.annotation(_TRAFFIC + "excludeInboundPorts", "global.proxy.excludeInboundPorts")
    port = context.status_port.strip()
    ports = [text.strip() for text in excluded.split(",") if text.strip()]
    if not port or port == "0" or port in excluded.split(","):
        return excluded
    return ",".join([*ports, port])


def _iptables(context: Context) -> Json:
    uses_cni = bool(context.injector.value("pilot.cni.enabled", False))
    excluded = _excluded_ports(context)
    flags = {
        "-p": str(context.injector.mesh.get("proxyListenPort") or 15001),
        "-z": str(context.injector.mesh.get("proxyInboundListenPort") or 15006),
        "-u": "1337",
        "-m": context.interception_mode,
        "-i": context.annotation(_TRAFFIC + "includeOutboundIPRanges", "global.proxy.includeIPRanges"),
        "-x": context.annotation(_TRAFFIC + "excludeOutboundIPRanges", "global.proxy.excludeIPRanges"),
        "-b": context.annotation(_TRAFFIC + "includeInboundPorts", "global.proxy.includeInboundPorts"),
        "-d": f"15090,15021,{excluded}" if excluded else "15090,15021",
    }
    for flag, name in (("-q", "includeOutboundPorts"), ("-o", "excludeOutboundPorts")):
        if _TRAFFIC + name in context.annotations or context.injector.value(f"global.proxy.{name}"):
            flags[flag] = context.annotation(_TRAFFIC + name, f"global.proxy.{name}")
    for flag, names in (
        ("-k", ("istio.io/reroute-virtual-interfaces", _TRAFFIC + "kubevirtInterfaces")),
        ("-c", (_TRAFFIC + "excludeInterfaces",)),
    ):
        given = [context.annotations[name] for name in names if name in context.annotations]
        flags |= {flag: given[0]} if given else {}
    level = context.annotation("sidecar.istio.io/agentLogLevel", "global.logging.level")
    args = ["istio-iptables", *(part for pair in flags.items() for part in pair), f"--log_output_level={level}"]
    container: Json = {
        "name": "istio-validation" if uses_cni else "istio-init",
        "image": _image(context, chart_value="global.proxy_init.image"),
        "args": [*args, "--run-validation", "--skip-rule-apply"] if uses_cni else args,
        "resources": _resources(context),
        "securityContext": _init_security(uses_cni=uses_cni),
    }
    metadata = context.proxy_config.get("proxyMetadata") or {}
    return {**container, "env": literal(metadata)} if metadata else container


def _init_security(*, uses_cni: bool) -> Json:
    capabilities: Json = {"drop": ["ALL"]} if uses_cni else {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]}
    user = 1337 if uses_cni else 0
    return {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "capabilities": capabilities,
        "readOnlyRootFilesystem": uses_cni,
        "runAsGroup": user,
        "runAsNonRoot": uses_cni,
        "runAsUser": user,
    }


def _proxy_security(context: Context) -> Json:
    transparent = context.interception_mode == "TPROXY"
    binds = context.annotation("sidecar.istio.io/capNetBindService", "global.proxy.capNetBindService") == "true"
    added = [*(["NET_ADMIN"] if transparent else []), *(["NET_BIND_SERVICE"] if binds else [])]
    privileged = bool(context.injector.value("global.proxy.privileged", False))
    return {
        "allowPrivilegeEscalation": privileged,
        "capabilities": {**({"add": added} if added else {}), "drop": ["ALL"]},
        "privileged": privileged,
        "readOnlyRootFilesystem": True,
        "runAsGroup": 1337,
        "runAsNonRoot": not added,
        "runAsUser": 0 if added else 1337,
    }


def _proxy(context: Context, *, role: str) -> Json:
    is_sidecar = role == "sidecar"
    domain = context.injector.value("global.proxy.clusterDomain", "cluster.local")
    container: Json = {
        "name": "istio-proxy",
        "image": _image(context, chart_value="global.proxy.image"),
        "ports": [{"containerPort": 15090, "protocol": "TCP", "name": "http-envoy-prom"}],
        "args": [
            *("proxy", role, "--domain", f"$(POD_NAMESPACE).svc.{domain}"),
            f"--proxyLogLevel={context.annotation('sidecar.istio.io/logLevel', 'global.proxy.logLevel')}",
            "--proxyComponentLogLevel="
            + context.annotation("sidecar.istio.io/componentLogLevel", "global.proxy.componentLogLevel"),
            f"--log_output_level={context.annotation('sidecar.istio.io/agentLogLevel', 'global.logging.level')}",
            *(["--log_as_json"] if context.injector.value("global.logAsJson", False) else []),
        ],
        "env": environment(context, is_sidecar=is_sidecar),
        "securityContext": _proxy_security(context) if is_sidecar else {"runAsGroup": 1337, "runAsUser": 1337},
        "volumeMounts": mounts(context.injector, context.annotations, is_sidecar=is_sidecar),
    }
    if is_sidecar:
        container["resources"] = _resources(context)
        container |= _lifecycle(context)
    if context.status_port != "0" or not is_sidecar:
        container |= _health(context, is_sidecar=is_sidecar)
    return container


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
    spec: Json = {"containers": [proxy], "volumes": volumes(context.injector, {})}
    if role == "router":
        spec["securityContext"] = {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}
    return spec
