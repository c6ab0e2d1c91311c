"""Which Kubernetes clusters does each istiod read, and has it read them?

istioctl: pkg/proxyconfig/clusters.go, over istiod's `/debug/clusterz`.
"""

from kubectl_mesh.diagnosis.config_dump import decode
from kubectl_mesh.errors import InputError, NotAvailable
from kubectl_mesh.reports.remote_clusters import RemoteCluster
from kubectl_mesh.sources.base import MeshSource

CLUSTERZ = "debug/clusterz"


def diagnose(source: MeshSource) -> tuple[RemoteCluster, ...]:
    """Return the remote clusters of every istiod, sorted by istiod, then in its own order."""
    rows = []
    answers = source.istiod(CLUSTERZ)
    if not answers:
        raise NotAvailable(
            "no istiod reports its remote clusters", hint="this bundle is from an older version: record a new one"
        )
    for istiod, data in sorted(answers.items()):
        document = decode(data, subject=f"{CLUSTERZ} of {istiod}")
        if document is not None and not isinstance(document, list):
            raise InputError(f"{CLUSTERZ} of {istiod}: not a list of clusters")
        for each in document or ():
            if isinstance(each, dict):
                fields = (str(each.get(name) or "") for name in ("id", "secretName", "syncStatus"))
                name, secret, status = fields
                rows.append(RemoteCluster(name=name, secret=secret, status=status, istiod=istiod))
    return tuple(rows)
