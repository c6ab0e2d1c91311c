"""Webhooks of a cluster whose control plane runs elsewhere: is its address given, and is it a host name.

istiod: pkg/config/analysis/analyzers/externalcontrolplane/externalcontrolplane.go.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.world import World
from simulator.model.addresses import is_address

_PREFIXES = {
    "ValidatingWebhookConfiguration": ("istiod-default-validator", "istio-validator"),
    "MutatingWebhookConfiguration": ("istio-sidecar-injector",),
}


def _addresses(world: World) -> Iterator[Finding]:
    for kind, (*exact, prefix) in _PREFIXES.items():
        for resource in world.of_kind(kind):
            if resource.name not in exact and not resource.name.startswith(prefix):
                continue
            for hook in resource.document.get("webhooks") or ():
                client = hook.get("clientConfig") or {}
                url, name = client.get("url"), hook.get("name") or ""
                if url is None:
                    if client.get("service") is None:
                        yield Finding(code="IST0163", resource=resource, arguments=("", name, "is blank"))
                    continue
                if (host := _host(url)) is None:
                    wrong = "was provided in an invalid format"
                    yield Finding(code="IST0163", resource=resource, arguments=(url, name, wrong))
                elif is_address(host):
                    yield Finding(code="IST0164", resource=resource, arguments=(url, name))


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is not a number
    except ValueError:
        return None
    if url.startswith(":") or any(ord(character) <= 32 or ord(character) == 127 for character in url):
        return None
    return parts.hostname or ""


ANALYZERS = (
    Check(
        name="externalcontrolplane.ExternalControlPlaneAnalyzer",
        description="Checks that the remote IstioOperator resources reference an external control plane",
        inputs=tuple(_PREFIXES),
        run=_addresses,
    ),
)
