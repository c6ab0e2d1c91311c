"""Which kinds and versions of Istio's and the Gateway API's groups an API server serves.

A resource of another kind or version is refused by the API server, so that nothing else is said of it.
"""

from collections.abc import Mapping
from functools import lru_cache

from simulator.manifests.kinds import kinds

_GATEWAY_API = "gateway.networking.k8s.io"
_GROUPS = frozenset(
    {"extensions.istio.io", "networking.istio.io", "security.istio.io", "telemetry.istio.io", _GATEWAY_API}
)
_REMOVED: Mapping[str, str] = {
    "authentication.istio.io": "PeerAuthentication and RequestAuthentication",
    "config.istio.io": "Telemetry and WasmPlugin",
    "rbac.istio.io": "AuthorizationPolicy",
}
"""Groups of releases before 1.6, and what came in their place."""


@lru_cache(maxsize=1024)
def refusal(api_version: str, kind: str) -> str:
    """Return why no API server takes a kind of resource; empty where one does, and for groups of other projects."""
    group, _, version = api_version.rpartition("/")
    if group in _REMOVED:
        return f"{api_version} is gone since Istio 1.6; {_REMOVED[group]} came in its place"
    if group not in _GROUPS:
        return ""
    known = kinds().get((group, kind))
    if known is None:
        return f"{group} has no kind {kind}{_advice(group, kind)}"
    if version in known.versions or group == _GATEWAY_API:  # its versions come and go with the CRDs that are installed
        return ""
    served = " or ".join(f"{group}/{each}" for each in known.versions)
    return f"{kind} is served as {served}, not as {api_version}"


def _advice(group: str, kind: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(kind, [name for its, name in kinds() if its == group], n=1)
    return f"; did you mean {near[0]}?" if near else ""
