"""Where the rules of each kind are.

They are loaded when there is a resource of the kind: most commands meet few kinds.
"""

import importlib
from collections.abc import Callable, Mapping
from functools import cache

from simulator.model.resources import Resource
from simulator.validation.problems import Problems

RULES: Mapping[str, str] = {
    "AuthorizationPolicy": "authorization_policy.validate",
    "DestinationRule": "destination_rule.validate",
    "EnvoyFilter": "envoy_filter.validate",
    "Gateway": "gateway.validate",
    "PeerAuthentication": "authentication.validate_peer",
    "ProxyConfig": "extensions.validate_proxy_config",
    "RequestAuthentication": "authentication.validate_request",
    "ServiceEntry": "service_entry.validate",
    "Sidecar": "sidecar.validate",
    "Telemetry": "telemetry.validate",
    "TrafficExtension": "extensions.validate_extension",
    "VirtualService": "virtual_service.validate",
    "WasmPlugin": "extensions.validate_wasm",
    "WorkloadEntry": "workload_entry.validate",
    "WorkloadGroup": "workload_entry.validate_group",
}
"""Module and function that hold the rules of a kind of Istio's APIs."""


@cache
def rules_of(kind: str) -> Callable[[Resource], Problems]:
    """Return the function that yields what istiod says of a resource of this kind."""
    module, _, function = RULES[kind].partition(".")
    found: Callable[[Resource], Problems] = getattr(importlib.import_module(f"simulator.validation.{module}"), function)
    return found
