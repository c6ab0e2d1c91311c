"""Security contexts of an injected proxy and of its init container, as the injection template has them."""

from simulator.manifests.template_context import Context
from simulator.model.wire import Json

PROXY_USER = 1337


def init_security(context: Context) -> Json:
    """Return the init container's context: root with network capabilities, or none with the CNI plugin."""
    privileged = bool(context.injector.value("global.proxy.privileged", False))
    added = [] if context.uses_cni else ["NET_ADMIN", "NET_RAW"]
    user = PROXY_USER if context.uses_cni else 0
    return {
        "allowPrivilegeEscalation": privileged,
        "privileged": privileged,
        "capabilities": {**({"add": added} if added else {}), "drop": ["ALL"]},
        "readOnlyRootFilesystem": context.uses_cni,
        "runAsGroup": user,
        "runAsNonRoot": context.uses_cni,
        "runAsUser": user,
        **_seccomp(context),
    }


def proxy_security(context: Context) -> Json:
    """Return a sidecar's context: no capabilities, unless TPROXY, low ports or iptables traces need root."""
    transparent = context.interception_mode == "TPROXY"
    binds = context.annotation("sidecar.istio.io/capNetBindService", "global.proxy.capNetBindService") == "true"
    traced = (context.proxy_config.get("proxyMetadata") or {}).get("IPTABLES_TRACE_LOGGING") == "true"
    added = [*(["NET_ADMIN"] if transparent or traced else []), *(["NET_BIND_SERVICE"] if binds and not traced else [])]
    privileged = traced or bool(context.injector.value("global.proxy.privileged", False))
    return {
        "allowPrivilegeEscalation": privileged,
        "capabilities": {**({"add": added} if added else {}), "drop": ["ALL"]},
        "privileged": privileged,
        "readOnlyRootFilesystem": True,
        "runAsGroup": PROXY_USER,
        "runAsNonRoot": not added,
        "runAsUser": 0 if added else PROXY_USER,
        **_seccomp(context),
    }


def _seccomp(context: Context) -> Json:
    profile = context.injector.value("global.proxy.seccompProfile", None)
    return {"seccompProfile": profile} if profile else {}
