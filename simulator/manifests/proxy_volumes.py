"""Volumes of an injected proxy and where it mounts them, as the injection templates have them."""

from typing import Any

from simulator.manifests.proxy_config import parse
from simulator.manifests.template_context import Context
from simulator.model.labels import Labels
from simulator.model.wire import Json

_GKE_VOLUME = "gke-workload-certificate"
_GKE_DRIVER = "workloadcertificates.security.cloud.google.com"
_BOOTSTRAP = "sidecar.istio.io/bootstrapOverride"
_USER_VOLUME = "sidecar.istio.io/userVolume"
_USER_MOUNT = "sidecar.istio.io/userVolumeMount"


def volumes(context: Context, *, is_sidecar: bool) -> list[Json]:
    """Return the volumes that injection adds."""
    value = context.injector.value
    token = {
        "path": "istio-token",
        "expirationSeconds": 43200,
        "audience": value("global.sds.token.aud", "istio-ca"),
    }
    items = [{"path": path, "fieldRef": {"fieldPath": f"metadata.{path}"}} for path in ("labels", "annotations")]
    found: list[Json] = [
        *({"name": name, "emptyDir": {}} for name in ("workload-socket", "credential-socket")),
        {"name": _GKE_VOLUME, "csi": {"driver": _GKE_DRIVER}}
        if _uses_gke(context)
        else {"name": "workload-certs", "emptyDir": {}},
        *_custom_bootstrap(context.annotations),
        {"name": "istio-envoy", "emptyDir": {"medium": "Memory"}},
        {"name": "istio-data", "emptyDir": {}},
        {"name": "istio-podinfo", "downwardAPI": {"items": items}},
        {"name": "istio-token", "projected": {"sources": [{"serviceAccountToken": token}]}},
        *([{"name": "istiod-ca-cert", **_root(context)}] if _has_istiod_root(context) else ()),
    ]
    if is_sidecar:
        crl = {"name": value("pilot.crlConfigMapName") or "istio-ca-crl", "optional": True}
        found.append({"name": "istio-ca-crl", "configMap": crl})
    if value("global.mountMtlsCerts", False):
        account = context.spec.get("serviceAccountName") or "default"
        found.append({"name": "istio-certs", "secret": {"optional": True, "secretName": f"istio.{account}"}})
    given = _given(context.annotations, _USER_VOLUME) if is_sidecar else []
    return [*found, *({"name": name, **volume} for name, volume in given)]


def mounts(context: Context, *, is_sidecar: bool) -> list[Json]:
    """Return the mounts of the proxy's container."""
    has_root = _has_istiod_root(context)
    certificates = {"mountPath": "/var/run/secrets/workload-spiffe-credentials"}
    found: list[Json] = [
        {"mountPath": "/var/run/secrets/workload-spiffe-uds", "name": "workload-socket"},
        {"mountPath": "/var/run/secrets/credential-uds", "name": "credential-socket"},
        {**certificates, "name": _GKE_VOLUME, "readOnly": True}
        if _uses_gke(context)
        else {**certificates, "name": "workload-certs"},
        *([{"mountPath": "/var/run/secrets/istio", "name": "istiod-ca-cert"}] if has_root else ()),
        *([{"mountPath": "/var/run/secrets/istio/crl", "name": "istio-ca-crl"}] if has_root and is_sidecar else ()),
        {"mountPath": "/var/lib/istio/data", "name": "istio-data"},
    ]
    if _BOOTSTRAP in context.annotations:
        found.append({"mountPath": "/etc/istio/custom-bootstrap", "name": "custom-bootstrap-volume"})
    found += [
        {"mountPath": "/etc/istio/proxy", "name": "istio-envoy"},
        {"mountPath": "/var/run/secrets/tokens", "name": "istio-token"},
    ]
    if context.injector.value("global.mountMtlsCerts", False):
        found.append({"mountPath": "/etc/certs/", "name": "istio-certs", "readOnly": True})
    found.append({"mountPath": "/etc/istio/pod", "name": "istio-podinfo"})
    given = _given(context.annotations, _USER_MOUNT) if is_sidecar else []
    return [*found, *({"name": name, **mount} for name, mount in given)]


def _uses_gke(context: Context) -> bool:
    return bool(context.injector.value("global.caName") == "GkeWorkloadCertificate")


def _has_istiod_root(context: Context) -> bool:
    return bool(context.injector.value("global.pilotCertProvider", "istiod") == "istiod")


def _root(context: Context) -> Json:
    """Return where the root certificate of istiod's CA comes from."""
    name = context.injector.value("global.trustBundleName")
    if context.injector.value("pilot.env.ENABLE_CLUSTER_TRUST_BUNDLE_API", False) is not True:
        return {"configMap": {"name": name or "istio-ca-root-cert"}}
    bundle = {"name": f"istio.io:istiod-ca:{name or 'root-cert'}", "path": "root-cert.pem"}
    return {"projected": {"sources": [{"clusterTrustBundle": bundle}]}}


def _custom_bootstrap(annotations: Labels) -> list[Json]:
    name = annotations.get(_BOOTSTRAP)
    return [{"name": "custom-bootstrap-volume", "configMap": {"name": name}}] if name else []


def _given(annotations: Labels, name: str) -> list[tuple[str, dict[str, Any]]]:
    entries = parse(annotations.get(name, ""))
    return [(key, value) for key, value in sorted(entries.items()) if isinstance(value, dict)]
