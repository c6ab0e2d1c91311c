"""Is a pod part of the mesh, and does it meet the requirements?

istioctl: pkg/describe/describe.go (printPod).
"""

import json
from collections.abc import Iterator
from typing import Any

from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.lookup import Lookup, labels, meta, spec
from kubectl_mesh.reports.describe import PodReport
from simulator.model.wire import Json

_PROXY = "istio-proxy"
_PROXY_USER = 1337
_REQUIREMENTS = "https://istio.io/v1.30/docs/ops/deployment/requirements/"
_RESERVED = "WARNING: User ID (UID) 1337 is reserved for the sidecar proxy."
_NAME_LABELS = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
_REVISION_LABELS = ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version")
_AMBIENT = "ambient.istio.io/redirection"


def pod(lookup: Lookup, document: Json, *, ignore_unmeshed: bool = False) -> PodReport:
    """Describe a pod."""
    called, phase = lookup.called(document), str((document.get("status") or {}).get("phase", ""))
    running = phase == "Running"
    warnings = [*_readiness(document, called)] if running else []
    if running and not ignore_unmeshed:
        warnings += _membership(document, called)
    return PodReport(
        name=called,
        revision=revision(document),
        ports=tuple(_ports(document)),
        phase=phase,
        first=tuple(_RESERVED for each in listed(spec(document).get("containers")) if _uses_proxy_user(each)),
        warnings=tuple(warnings),
        meshed=is_meshed(document),
    )


def revision(document: Json) -> str:
    """Return the revision that injected a pod, from its annotation or from the injector's status."""
    annotations = meta(document).get("annotations") or {}
    if "istio.io/rev" in annotations:
        return str(annotations["istio.io/rev"])
    try:
        return str(json.loads(annotations.get("sidecar.istio.io/status") or "{}").get("revision", ""))
    except (ValueError, AttributeError):
        return ""


def is_meshed(document: Json) -> bool:
    """Tell whether a pod has a proxy of its own."""
    containers = listed(spec(document).get("containers")) + listed(spec(document).get("initContainers"))
    return any(each.get("name") == _PROXY for each in containers)


def is_ambient(document: Json) -> bool:
    """Tell whether a pod's traffic passes through ztunnel."""
    return (meta(document).get("annotations") or {}).get(_AMBIENT) == "enabled"


def _ports(document: Json) -> Iterator[str]:
    for container in listed(spec(document).get("containers")):
        for port in listed(container.get("ports")):
            protocol = port.get("protocol") or "TCP"
            suffix = "" if protocol == "TCP" else f"/{protocol}"
            yield f"{port.get('containerPort')}{suffix} ({container.get('name')})"


def _uses_proxy_user(container: Json) -> bool:
    user = (container.get("securityContext") or {}).get("runAsUser")
    return container.get("name") not in (_PROXY, "istio-operator") and user == _PROXY_USER


def _readiness(document: Json, called: str) -> Iterator[str]:
    status: Any = document.get("status") or {}
    for field, word in (("containerStatuses", "Container"), ("initContainerStatuses", "Init Container")):
        for each in listed(status.get(field)):
            if not each.get("ready"):
                yield f"WARNING: Pod {called} {word} {each.get('name')} NOT READY"


def _membership(document: Json, called: str) -> Iterator[str]:
    if not is_meshed(document):
        if not is_ambient(document):
            yield f"WARNING: {called} is not part of mesh; no Istio sidecar"
        return
    if (spec(document).get("securityContext") or {}).get("runAsUser") == _PROXY_USER:
        yield f"   {_RESERVED}"
    for names, word in ((_NAME_LABELS, "name"), (_REVISION_LABELS, "revision")):
        if not any(name in labels(document) for name in names):
            yield f"Suggestion: add required service {word} label for Istio telemetry. See {_REQUIREMENTS}."
