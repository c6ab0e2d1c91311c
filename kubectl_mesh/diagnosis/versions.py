"""Which versions of istiod and of the proxies run?

istioctl: pkg/kube/client.go (GetIstioVersions), pkg/version/cobra.go.
"""

from kubectl_mesh.diagnosis.config_dump import decode
from kubectl_mesh.diagnosis.proxy_status import SYNCZ
from kubectl_mesh.reports.versions import IstiodVersion, ProxyVersion, VersionReport
from kubectl_mesh.sources.base import MeshSource

_GATEWAY = {"router": "gateway"}


def diagnose(source: MeshSource, *, client: str) -> VersionReport:
    """Ask every istiod for its version and for the proxies connected to it."""
    istiods = [_istiod(pod, data) for pod, data in sorted(source.istiod("version").items())]
    proxies = []
    for pod, data in sorted(source.istiod(SYNCZ).items()):
        entries = decode(data, subject=f"{SYNCZ} of {pod}")
        for entry in entries if isinstance(entries, list) else ():
            kind = str(entry.get("proxy_type", ""))
            version = ProxyVersion(
                proxy=str(entry.get("proxy", "")),
                version=str(entry.get("istio_version", "")),
                type=_GATEWAY.get(kind, kind),
            )
            proxies.append(version)
    return VersionReport(client=client, istiods=tuple(istiods), proxies=tuple(sorted(proxies, key=lambda p: p.proxy)))


def _istiod(pod: str, data: bytes) -> IstiodVersion:
    """Read `version-revision-status`; a version may have dashes itself."""
    version, *rest = data.decode(errors="replace").strip().rsplit("-", 2)
    revision, status = rest if len(rest) == 2 else ("", "")
    return IstiodVersion(istiod=pod, version=version, git_revision=revision, status=status)
