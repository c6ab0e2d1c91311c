"""`kubectl mesh proxy-status POD`: what one proxy holds against what istiod sent it."""

from dataclasses import replace

from kubectl_mesh.cli.context import Call, open_source
from kubectl_mesh.diagnosis.config_dump import ConfigDump
from kubectl_mesh.diagnosis.sync_difference import compare, sent_by_istiod
from kubectl_mesh.diagnosis.targets import find_among, find_proxy
from kubectl_mesh.diagnosis.ztunnel_pods import ztunnels
from kubectl_mesh.errors import ExitCode
from kubectl_mesh.sources.recorded import RecordedProxy


def show(call: Call, pod: str) -> None:
    """Print the comparison and end with 1 when the two differ.

    A saved config dump (`-f`) stands for the proxy; what istiod sent is then asked of the cluster.
    """
    saved = call.source if isinstance(call.source, RecordedProxy) else None
    source = open_source(replace(call.settings, files=())) if saved else call.source
    if found := find_among(source, pod, list(ztunnels(source)), namespace=call.namespace):
        call.write(f"Sync diff is not available for ztunnel pod {found[0]}\n")
        return
    proxy = find_proxy(source, pod, namespace=call.namespace)
    held = (saved or source).envoy(proxy, "config_dump?include_eds=true")
    compared = compare(sent_by_istiod(source, proxy), ConfigDump.parse(held, subject=f"config dump of {proxy}"))
    for difference in compared:
        call.write(("\n" if difference.kind == "Endpoints" else "") + difference.text)
    call.finish(ExitCode.CLEAN if all(difference.equal for difference in compared) else ExitCode.FINDINGS)
