"""istiod's feature flags: environment variables of its Deployment.

istiod: pilot/pkg/features/*.go. Flags registered for ambient are off without PILOT_ENABLE_AMBIENT, whatever they say.
"""

from collections.abc import Mapping

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_AMBIENT_ONLY = frozenset(
    {
        "PILOT_ENABLE_AMBIENT_WAYPOINTS",
        "PILOT_ENABLE_SENDING_HBONE",
        "PILOT_ENABLE_SIDECAR_LISTENING_HBONE",
        "PILOT_PREFER_SENDING_HBONE",
        "ENABLE_INGRESS_WAYPOINT_ROUTING",
        "AMBIENT_ENABLE_MULTI_NETWORK",
        "AMBIENT_ENABLE_MULTI_NETWORK_WAYPOINT",
        "AMBIENT_ENABLE_BAGGAGE",
        "AMBIENT_ENABLE_STATUS",
    }
)


def enabled(flags: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Read a boolean flag as Go's ParseBool does; `default` where it is unset or unreadable."""
    if name in _AMBIENT_ONLY and not enabled(flags, "PILOT_ENABLE_AMBIENT", default=False):
        return False
    value = flags.get(name, "")
    if value in _TRUE:
        return True
    return False if value in _FALSE else default
