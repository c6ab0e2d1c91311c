"""The validation rules by kind.

Each module is imported for the first resource of its kind, since most commands meet few kinds.
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
"""Kind of Istio's APIs → module and function with its rules."""


@cache
def rules_of(kind: str) -> Callable[[Resource], Problems]:
    """Return the function that yields istiod's errors and warnings about a resource of a kind."""
    module, _, function = RULES[kind].partition(".")
    found: Callable[[Resource], Problems] = getattr(importlib.import_module(f"simulator.validation.{module}"), function)
    return found
