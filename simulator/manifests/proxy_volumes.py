"""Volumes of an injected proxy and where it mounts them, as the injection templates have them."""

from typing import Any

from simulator.manifests.injector import Injector
from simulator.manifests.proxy_config import parse
from simulator.model.labels import Labels
from simulator.model.wire import Json

_BOOTSTRAP = "sidecar.istio.io/bootstrapOverride"
_USER_VOLUME = "sidecar.istio.io/userVolume"
_USER_MOUNT = "sidecar.istio.io/userVolumeMount"


def volumes(injector: Injector, annotations: Labels) -> list[Json]:
    """Return the volumes that injection adds."""
    trust = injector.value("global.trustBundleName") or "istio-ca-root-cert"
    token = {
        "path": "istio-token",
        "expirationSeconds": 43200,
        "audience": injector.value("global.sds.token.aud", "istio-ca"),
    }
    items = [{"path": path, "fieldRef": {"fieldPath": f"metadata.{path}"}} for path in ("labels", "annotations")]
    found: list[Json] = [
        *({"name": name, "emptyDir": {}} for name in ("workload-socket", "credential-socket", "workload-certs")),
        *_custom_bootstrap(annotations),
        {"name": "istio-envoy", "emptyDir": {"medium": "Memory"}},
        {"name": "istio-data", "emptyDir": {}},
        {"name": "istio-podinfo", "downwardAPI": {"items": items}},
        {"name": "istio-token", "projected": {"sources": [{"serviceAccountToken": token}]}},
        {"name": "istiod-ca-cert", "configMap": {"name": trust}},
        {
            "name": "istio-ca-crl",
            "configMap": {"name": injector.value("pilot.crlConfigMapName") or "istio-ca-crl", "optional": True},
        },
    ]
    return [*found, *({"name": name, **value} for name, value in _given(annotations, _USER_VOLUME))]


def mounts(injector: Injector, annotations: Labels, *, is_sidecar: bool) -> list[Json]:
    """Return the mounts of the proxy's container."""
    del injector
    paths = {
        "/var/run/secrets/workload-spiffe-uds": "workload-socket",
        "/var/run/secrets/credential-uds": "credential-socket",
        "/var/run/secrets/workload-spiffe-credentials": "workload-certs",
        "/var/run/secrets/istio": "istiod-ca-cert",
        "/var/run/secrets/istio/crl": "istio-ca-crl" if is_sidecar else "",
        "/var/lib/istio/data": "istio-data",
        "/etc/istio/custom-bootstrap": "custom-bootstrap-volume" if _BOOTSTRAP in annotations else "",
        "/etc/istio/proxy": "istio-envoy",
        "/var/run/secrets/tokens": "istio-token",
        "/etc/istio/pod": "istio-podinfo",
    }
    found = [{"mountPath": path, "name": name} for path, name in paths.items() if name]
    return [*found, *({"name": name, **value} for name, value in _given(annotations, _USER_MOUNT))]


def _custom_bootstrap(annotations: Labels) -> list[Json]:
    name = annotations.get(_BOOTSTRAP)
    return [{"name": "custom-bootstrap-volume", "configMap": {"name": name}}] if name else []


def _given(annotations: Labels, name: str) -> list[tuple[str, dict[str, Any]]]:
    entries = parse(annotations.get(name, ""))
    return [(key, value) for key, value in sorted(entries.items()) if isinstance(value, dict)]
