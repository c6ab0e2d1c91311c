"""Which kinds and versions of Kubernetes', Istio's and the Gateway API's groups an API server serves.

It refuses a resource of another kind or version. Kinds of other groups are custom resources of other projects and
are not checked; Kubernetes' own groups have more kinds than the table here, so only likely misspellings are reported.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from simulator.manifests.kinds import Kind, find_kind, kinds
from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.resources import Resource

GATEWAY_API = "gateway.networking.k8s.io"
MESH_GROUPS = frozenset(
    {"extensions.istio.io", "networking.istio.io", "security.istio.io", "telemetry.istio.io", GATEWAY_API}
)
_REMOVED: Mapping[str, str] = {
    "authentication.istio.io": "PeerAuthentication and RequestAuthentication",
    "config.istio.io": "Telemetry and WasmPlugin",
    "rbac.istio.io": "AuthorizationPolicy",
}
"""Groups of releases before 1.6, and their replacements."""
_STILL_BETA = frozenset({"IPAddress", "ServiceCIDR", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"})
"""Kinds of Kubernetes that are served in a beta version besides the version in the table."""
_MISSPELT = 0.85
"""Similarity from which a name counts as a misspelling of a known kind."""


@lru_cache(maxsize=1024)
def refusal(api_version: str, kind: str) -> str:
    """Return why no API server accepts a kind of resource; empty where one does, and for groups of other projects."""
    group, _, version = api_version.rpartition("/")
    if group in _REMOVED:
        return f"{api_version} is gone since Istio 1.6; {_REMOVED[group]} replaced it"
    if group == "extensions":
        successor = next((each for (_, name), each in kinds().items() if name == kind), None)
        return f"{api_version} is gone since Kubernetes 1.22" + (f"; {_served(successor)}" if successor else "")
    known = kinds().get((group, kind))
    if known is None:
        return _unknown(api_version, group, kind)
    if version in known.versions or group == GATEWAY_API:  # its versions come and go with the CRDs that are installed
        return ""
    return "" if kind in _STILL_BETA else f"{_served(known)}, not as {api_version}"


def _served(kind: Kind) -> str:
    return f"{kind.name} is served as {' or '.join(f'{kind.group}/{each}'.lstrip('/') for each in kind.versions)}"


def _unknown(api_version: str, group: str, kind: str) -> str:
    from difflib import get_close_matches

    of_mesh = group in MESH_GROUPS
    names = [name for its, name in kinds() if its == group]
    near = get_close_matches(kind, names, n=1, cutoff=0.6 if of_mesh else _MISSPELT)
    if not of_mesh and not near:
        return ""
    return f"{group or api_version} has no kind {kind}" + (f"; did you mean {near[0]}?" if near else "")


def not_served(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """Yield the resources that no API server accepts, and why; kinds of CRDs among the resources are accepted."""
    refused = [(each, reason) for each in resources if (reason := refusal(each.api_version, each.kind))]
    if not refused:
        return
    definitions = [each.spec for each in resources if each.kind == "CustomResourceDefinition"]
    defined = {(spec.get("group"), (spec.get("names") or {}).get("kind")) for spec in definitions}
    yield from ((each, reason) for each, reason in refused if (each.group, each.kind) not in defined)


def caveats_of_kinds(resources: Sequence[Resource]) -> Iterator[Caveat]:
    """Yield a caveat for each resource that no API server accepts, saying how it is treated here."""
    for each, reason in not_served(resources):
        simulated = find_kind(each.api_version, each.kind) is not None
        effect = "simulated, though no API server accepts it" if simulated else "has no effect"
        yield Caveat(kind=CaveatKind.INVALID, ref=each.ref, message=f"{effect}: {reason}")
