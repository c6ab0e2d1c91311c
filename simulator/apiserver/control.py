"""istiod's ControlZ interface on 9876: the log scopes that `istioctl admin log` lists and changes.

istiod: pkg/ctrlz/topics/scopes.go.
"""

import json
from urllib.parse import unquote

from simulator.istiod.pages import Page, document, text
from simulator.model.wire import Json

_SCOPES = {
    "ads": "ads debugging",
    "adsc": "adsc debugging",
    "all": "",
    "analysis": "Scope for configuration analysis runtime",
    "authn": "authn debugging",
    "authorization": "Istio Authorization Policy",
    "ca": "CA service debug",
    "cluster-gateway": "",
    "controllers": "common controller logic",
    "default": "Unscoped logging messages.",
    "delta": "delta xds debugging",
    "dns": "Istio DNS proxy",
    "grpc": "logs from grpc",
    "grpcgen": "xDS Generator for Proxyless gRPC",
    "ingress status": "ingress status synchronization",
    "krt": "",
    "klog": "",
    "kube": "Kubernetes client messages",
    "model": "model",
    "monitor": "service registry monitoring",
    "pkica": "Citadel CA log",
    "proxyconfig": "",
    "retry": "network retry logic",
    "rootcertrotator": "Self-signed CA root cert rotator log",
    "secretcontroller": "",
    "security": "security debugging",
    "serverca": "Citadel server log",
    "serviceentry": "ServiceEntry registry",
    "spiffe": "SPIFFE library logging",
    "status": "CRD distribution status debugging",
    "tpath": "Telemetry path",
    "trustBundle": "Workload mTLS trust bundle logs",
    "util": "util",
    "validation": "CRD validation debugging",
    "validationController": "validation webhook controller",
    "validationServer": "validation webhook server",
    "wle": "wle controller debugging",
    "xdsproxy": "",
}
_LEVELS = ("none", "fatal", "error", "warn", "info", "debug")


class Scopes:
    """The log scopes of one istiod."""

    def __init__(self) -> None:
        self._levels = {name: ("info", "none") for name in _SCOPES}

    def answer(self, method: str, path: str, body: bytes) -> Page:
        """Answer a request to ControlZ."""
        name = unquote(path).removeprefix("/scopej").strip("/")
        if not path.startswith("/scopej"):
            return text("404 page not found\n", status=404)
        if not name:
            return document([self._scope(each) for each in sorted(self._levels)])
        if name not in self._levels:
            return document({"error": f"unknown scope name: {name}"}, status=400)
        if method != "PUT":
            return document(self._scope(name))
        return self._put(name, body)

    def _put(self, name: str, body: bytes) -> Page:
        try:
            wanted = json.loads(body)
            given = (wanted.get("output_level"), wanted.get("stack_trace_level"))
            level, trace = (str(new or old) for new, old in zip(given, self._levels[name], strict=True))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return document({"error": f"unable to decode request: {error}"}, status=400)
        if level not in _LEVELS or trace not in _LEVELS:
            return document({"error": f"unknown log level: {level}"}, status=400)
        self._levels[name] = (level, trace)
        return Page(body=b"", status=202)

    def _scope(self, name: str) -> Json:
        level, trace = self._levels[name]
        return {
            "name": name,
            "description": _SCOPES[name],
            "output_level": level,
            "stack_trace_level": trace,
            "log_callers": False,
        }
