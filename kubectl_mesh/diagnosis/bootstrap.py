"""Which versions does a proxy run?

istioctl: pkg/writer/envoy/configdump/configdump.go (PrintBootstrapSummary).
"""

from kubectl_mesh.diagnosis.config_dump import ConfigDump, untyped
from kubectl_mesh.reports import proxy_config as report
from kubectl_mesh.reports.tables import Table
from simulator.model.wire import Json

_PARTS = (("build.label", "-"), ("revision.status", "/"), ("build.type", "/"), ("ssl.version", "/"))


def table(dump: ConfigDump) -> Table[report.VersionRow]:
    """Return the versions of Istio, its proxy and Envoy that the bootstrap names."""
    node = (document(dump).get("bootstrap") or {}).get("node") or {}
    metadata = node.get("metadata") or {}
    sha = _text(metadata, "ISTIO_PROXY_SHA").split(":")
    lines = (
        ("Istio Version:", _text(metadata, "ISTIO_VERSION")),
        ("Istio Proxy Version:", sha[1] if len(sha) > 1 else sha[0]),
        ("Envoy Version:", _envoy_version(node)),
    )
    return report.versions(tuple(report.VersionRow(label=label, value=value) for label, value in lines if value))


def document(dump: ConfigDump) -> Json:
    """Return the bootstrap section."""
    return untyped(dump.section("BootstrapConfigDump"))


def _text(metadata: Json, key: str) -> str:
    """Return a text in free-form metadata; empty for values of other types."""
    value = metadata.get(key)
    return value if isinstance(value, str) else ""


def _envoy_version(node: Json) -> str:
    build = node.get("userAgentBuildVersion") or {}
    version, metadata = build.get("version") or {}, build.get("metadata") or {}
    numbers = ".".join(str(version.get(part) or 0) for part in ("majorNumber", "minorNumber", "patch"))
    return numbers + "".join(f"{mark}{_text(metadata, key)}" for key, mark in _PARTS if key in metadata)
