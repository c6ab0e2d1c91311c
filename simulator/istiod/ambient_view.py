"""istiod's data about the ambient mesh, as `/debug/ambientz` shows it.

istiod: pilot/pkg/xds/debug.go (ambientz). Addresses are bytes, in base64 as JSON has them; they are converted to text.
"""

import base64
from typing import TYPE_CHECKING, Any

from simulator.istiod.ztunnel_dump import address
from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.registry.snapshot import Snapshot


def ambient_view(snapshot: "Snapshot") -> Json:
    """Return workloads, services and policies as they are sent to ztunnels."""
    from simulator.xds.ztunnel import ztunnel_resources

    resources = ztunnel_resources(snapshot)
    return {
        "workloads": [_readable(each["workload"]) for each in resources["addresses"] if "workload" in each],
        "services": [_readable(each["service"]) for each in resources["addresses"] if "service" in each],
        "policies": list(resources["policies"]),
    }


def _readable(value: Any, field: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _readable(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_readable(inner, field) for inner in value]
    if field in ("address", "addresses") and isinstance(value, str):
        return base64.b64encode(address(value).encode()).decode()
    return value
