"""The ports that a proxy and the agent beside it take for themselves in every pod.

https://istio.io/latest/docs/ops/deployment/application-requirements (Ports used by Istio).
"""

from collections.abc import Mapping
from types import MappingProxyType

HBONE_PORT = 15008
OWN_PORTS: Mapping[int, str] = MappingProxyType(
    {
        15000: "Envoy's admin interface, on localhost only: config dumps, statistics, log levels",
        15001: "outbound: all that the pod sends arrives here; the listener of its address takes it, else this one",
        15004: "the agent's way to istiod's debug interface, on localhost only",
        15006: "inbound: all that is sent to the pod arrives here; a chain matches the port that it was sent to",
        HBONE_PORT: "HBONE: tunnels of ambient meshes and of other networks end here",
        15020: "the agent: merged metrics, probes of the application that it rewrote, /healthz/ready",
        15021: "readiness of the proxy: the kubelet asks /healthz/ready here, past mutual TLS",
        15053: "the agent's DNS proxy, on localhost only",
        15090: "Envoy's own metrics: /stats/prometheus",
    }
)
LOCAL_PORTS = frozenset({15000, 15004, 15053})
"""Ports that only their own pod reaches."""
CAPTURED_PORTS = frozenset({15001, 15006})
"""Ports that connections are redirected to; one that is made to them goes nowhere."""
