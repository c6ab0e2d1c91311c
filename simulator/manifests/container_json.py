"""Containers as Go's JSON encoder prints them: fields in the order of core/v1, empty ones omitted as there.

Kubernetes: staging/src/k8s.io/api/core/v1/types.go (Container and what it holds). The injector records
the user's settings for its containers in an annotation in this form, and annotations are compared as text.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.manifests.quantities import canonical_resources
from simulator.model.wire import Json

_CONTAINER = (
    *("name", "image", "command", "args", "workingDir", "ports", "envFrom", "env", "resources", "resizePolicy"),
    *("restartPolicy", "restartPolicyRules", "volumeMounts", "volumeDevices", "livenessProbe", "readinessProbe"),
    *("startupProbe", "lifecycle", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy"),
    *("securityContext", "stdin", "stdinOnce", "tty"),
)
_ACTIONS = ("exec", "httpGet", "tcpSocket", "sleep", "grpc")
_PROBE = (
    *_ACTIONS,
    *("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"),
    "terminationGracePeriodSeconds",
)
_REFERENCE = ("name", "key", "optional")
_ORDER: Mapping[str, tuple[str, ...]] = {
    "ports": ("name", "hostPort", "containerPort", "protocol", "hostIP"),
    "envFrom": ("prefix", "configMapRef", "secretRef"),
    "env": ("name", "value", "valueFrom"),
    "valueFrom": ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"),
    "fieldRef": ("apiVersion", "fieldPath"),
    "resourceFieldRef": ("containerName", "resource", "divisor"),
    **dict.fromkeys(("configMapRef", "secretRef", "configMapKeyRef", "secretKeyRef"), _REFERENCE),
    "resources": ("limits", "requests", "claims"),
    "claims": ("name", "request"),
    "resizePolicy": ("resourceName", "restartPolicy"),
    "volumeMounts": (
        *("name", "readOnly", "recursiveReadOnly", "mountPath", "subPath", "mountPropagation", "subPathExpr"),
    ),
    "volumeDevices": ("name", "devicePath"),
    **dict.fromkeys(("livenessProbe", "readinessProbe", "startupProbe"), _PROBE),
    "httpGet": ("path", "port", "host", "scheme", "httpHeaders"),
    "httpHeaders": ("name", "value"),
    "tcpSocket": ("port", "host"),
    "grpc": ("port", "service"),
    "lifecycle": ("postStart", "preStop", "stopSignal"),
    **dict.fromkeys(("postStart", "preStop"), _ACTIONS),
    "securityContext": (
        *("capabilities", "privileged", "seLinuxOptions", "windowsOptions", "runAsUser", "runAsGroup"),
        *("runAsNonRoot", "readOnlyRootFilesystem", "allowPrivilegeEscalation", "procMount", "seccompProfile"),
        "appArmorProfile",
    ),
    "capabilities": ("add", "drop"),
    "seLinuxOptions": ("user", "role", "type", "level"),
    "windowsOptions": ("gmsaCredentialSpecName", "gmsaCredentialSpec", "runAsUserName", "hostProcess"),
    **dict.fromkeys(("seccompProfile", "appArmorProfile"), ("type", "localhostProfile")),
}
_ALPHABETICAL: tuple[str, ...] = ()


def printed_containers(fields: Mapping[str, Iterable[Json]]) -> str:
    """Return a compact JSON object with the containers of each field, as Go prints it."""
    printed = {
        field: [_ordered({"resources": {}, **canonical_resources(one)}, _CONTAINER) for one in containers]
        for field, containers in fields.items()
    }
    return json.dumps(printed, separators=(",", ":"), ensure_ascii=False)


def _ordered(value: Json, names: tuple[str, ...]) -> Json:
    place = {name: index for index, name in enumerate(names)}
    kept = {name: below for name, below in value.items() if below is not None and below != ""}
    ordered = sorted(kept.items(), key=lambda item: (place.get(item[0], len(place)), item[0]))
    return {name: _below(below, _ORDER.get(name, _ALPHABETICAL)) for name, below in ordered}


def _below(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return _ordered(value, names)
    if isinstance(value, list):
        return [_below(item, names) for item in value]
    return value
