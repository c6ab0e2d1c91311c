"""Probes and metrics annotations of an injected pod, redirected to its agent.

istiod: pkg/kube/inject/app_probe.go, webhook.go (applyPrometheusMerge).
"""

import json
import re
from collections.abc import Iterator, Mapping

from simulator.model.wire import Json

PROBERS = "ISTIO_KUBE_APP_PROBERS"
SCRAPING = "ISTIO_PROMETHEUS_ANNOTATIONS"
STATUS_PORT = "status.sidecar.istio.io/port"
REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers"
MERGE_METRICS = "prometheus.istio.io/merge-metrics"
_PROXY = "istio-proxy"
_PROBES = {"readinessProbe": "readyz", "livenessProbe": "livez", "startupProbe": "startupz"}
_HOOKS = {"preStop": "prestopz", "postStart": "poststartz"}
_METRICS = {"prometheus_io_port": "port", "prometheus_io_scrape": "scrape", "prometheus_io_path": "path"}
_UNUSUAL = re.compile(r"[^a-zA-Z0-9_]")
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def is_true(text: str, *, default: bool) -> bool:
    """Read a boolean as Go's strconv.ParseBool does."""
    return True if text in _TRUE else False if text in _FALSE else default


def rewritten_probes(spec: Json, *, annotations: Mapping[str, str], status_port: int) -> tuple[Json, str]:
    """Return the spec with its probes redirected to the agent, and the agent's JSON table of them; empty for none."""
    text = annotations.get(STATUS_PORT, "")
    port = int(text) if text.isdigit() else status_port
    probers: Json = {}
    changed = dict(spec)
    for field in ("initContainers", "containers"):
        if spec.get(field):
            changed[field] = [_rewritten(container, port, status_port, probers) for container in spec[field]]
    return changed, json.dumps(dict(sorted(probers.items())), separators=(",", ":")) if probers else ""


def _rewritten(container: Json, port: int, status_port: int, probers: Json) -> Json:
    if container.get("name") == _PROXY:
        return container
    changed = dict(container)
    for field, probe, path in _probes(container):
        prober = _prober(probe, container, status_port=status_port)
        if prober is not None:
            probers[path] = prober
        target = _led_to_agent(probe, path, port)
        if field in _PROBES:
            changed[field] = target
        else:
            changed["lifecycle"] = {**(changed.get("lifecycle") or {}), field: target}
    return changed


def _probes(container: Json) -> Iterator[tuple[str, Json, str]]:
    name = container.get("name", "")
    lifecycle = container.get("lifecycle") or {}
    for field, word in _PROBES.items():
        if any((container.get(field) or {}).get(action) for action in ("httpGet", "tcpSocket", "grpc")):
            yield field, container[field], f"/app-health/{name}/{word}"
    for field, word in _HOOKS.items():
        hook = lifecycle.get(field)
        if isinstance(hook, dict) and any(hook.get(action) for action in ("httpGet", "tcpSocket")):
            yield field, hook, f"/app-lifecycle/{name}/{word}"


def _prober(probe: Json, container: Json, *, status_port: int) -> Json | None:
    for action in ("httpGet", "tcpSocket", "grpc"):
        if probe.get(action):
            break
    target = dict(probe[action])
    if action != "grpc":
        number = _port(target.get("port"), container)
        if number is None or (number == status_port and not isinstance(target.get("port"), str)):
            return None
        target["port"] = number
    else:
        target.setdefault("service", None)
    prober: Json = {action: target}
    if probe.get("timeoutSeconds"):
        prober["timeoutSeconds"] = probe["timeoutSeconds"]
    return prober


def _port(port: object, container: Json) -> int | None:
    if isinstance(port, int):
        return port
    for declared in container.get("ports") or ():
        if declared.get("name") == port:
            number = declared.get("containerPort")
            return number if isinstance(number, int) else None
    return int(port) if isinstance(port, str) and port.isdigit() else None


def _led_to_agent(probe: Json, path: str, port: int) -> Json:
    changed = {key: value for key, value in probe.items() if key not in ("tcpSocket", "grpc")}
    action = dict(probe.get("httpGet") or {})
    action |= {"path": path, "port": port}
    if action.get("scheme") == "HTTPS":
        action["scheme"] = "HTTP"
    return {**changed, "httpGet": action}


def merged_metrics(
    annotations: Mapping[str, str], *, enabled: bool, status_port: int
) -> tuple[dict[str, str], str] | None:
    """Return annotations that point Prometheus at the agent, and where the agent finds the application's own.

    None when the pod's annotations stay as they are.
    """
    keys = {name: _METRICS.get(_UNUSUAL.sub("_", name)) for name in annotations}
    given = {key: annotations[name] for name, key in keys.items() if key is not None}
    if not is_true(given.get("scrape", ""), default=True):
        return None
    if not is_true(annotations.get(MERGE_METRICS, ""), default=enabled) or given.get("port") == str(status_port):
        return None
    changed = {name: value for name, value in annotations.items() if keys[name] is None}
    changed |= {
        "prometheus.io/port": str(status_port),
        "prometheus.io/path": "/stats/prometheus",
        "prometheus.io/scrape": "true",
    }
    scraping = {key: given.get(key, "") for key in ("scrape", "path", "port")} if given else {}
    return changed, json.dumps(scraping, separators=(",", ":")) if scraping else ""


def without_scraping(annotations: Mapping[str, str], *, status_port: int) -> dict[str, str]:
    """Leave out the annotations that point Prometheus at the agent; those that point elsewhere stay."""
    keys = {name: _METRICS.get(_UNUSUAL.sub("_", name)) for name in annotations}
    if not any(key == "port" and annotations[name] == str(status_port) for name, key in keys.items()):
        return dict(annotations)
    return {name: value for name, value in annotations.items() if keys[name] is None}
