"""Which versions of istiod and of the proxies run?

istioctl: pkg/kube/client.go (GetIstioVersions), pkg/version/cobra.go.
"""

from kubectl_mesh.diagnosis.config_dump import decode
from kubectl_mesh.diagnosis.lookup import labels, name_of
from kubectl_mesh.diagnosis.proxy_status import SYNCZ
from kubectl_mesh.reports.versions import IstiodVersion, ProxyVersion, VersionReport
from kubectl_mesh.sources.base import MeshSource

_REVISION = "istio.io/rev"
_GATEWAY = {"router": "gateway"}


def diagnose(source: MeshSource, *, client: str, istio_namespace: str = "istio-system") -> VersionReport:
    """Ask every istiod for its version and for the proxies connected to it."""
    answers = source.istiod("version")
    revisions = {name_of(pod): labels(pod).get(_REVISION, "") for pod in source.resources("Pod", istio_namespace)}
    istiods = [_istiod(pod, data, revision=revisions.get(pod, "")) for pod, data in sorted(answers.items())]
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


def _istiod(pod: str, data: bytes, *, revision: str) -> IstiodVersion:
    """Read `VERSION-COMMIT-STATUS`, where the commit may be `SHA-dirty`; a version may have dashes itself."""
    text = data.decode(errors="replace").strip()
    version, *rest = text.rsplit("-", 2)
    commit, status = rest if len(rest) == 2 else ("", "")
    if commit == "dirty" and "-" in version:
        version, _, sha = version.rpartition("-")
        commit = f"{sha}-dirty"
    if not status:
        version = text
    return IstiodVersion(istiod=pod, version=version, git_revision=commit, status=status, revision=revision)
