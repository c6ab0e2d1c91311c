"""Snapshots of small meshes, written out in full: nothing is completed or injected."""

from textwrap import dedent, indent

from simulator.manifests.reading import parse_manifests
from simulator.model.proxies import Proxy, ProxyId
from simulator.registry.build import build_snapshot
from simulator.registry.snapshot import Snapshot

HTTP = "{name: http, port: 80, targetPort: 8080}"


def snapshot(*parts: str) -> Snapshot:
    """Return istiod's view of these manifests."""
    return build_snapshot(parse_manifests("\n---\n".join(dedent(part) for part in parts)))


def pod(
    name: str,
    *,
    ip: str,
    namespace: str = "shop",
    labels: str = "",
    role: str = "sidecar",
    env: str = "",
    ports: str = "[]",
) -> str:
    """Return a running pod with a proxy of `role`; none when it is empty."""
    proxy = f"- {{name: istio-proxy, args: [proxy, {role}], env: [{env}]}}" if role else ""
    return f"""\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{{labels or f"app: {name}"}}}}}
spec:
  serviceAccountName: {name}
  nodeName: n1
  containers:
  - {{name: app, ports: {ports}}}
{indent(proxy, "  ")}
status:
  phase: Running
  podIP: {ip}
  podIPs: [{{ip: "{ip}"}}]
  conditions: [{{type: Ready, status: "True"}}]
"""


def service(name: str, *, ip: str = "10.96.0.9", namespace: str = "shop", ports: str = "", more: str = "") -> str:
    """Return a Service that selects `app: <name>`."""
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{clusterIP: {ip}, selector: {{app: {name}}}, ports: [{ports or HTTP}]{more}}}
"""


def proxy(view: Snapshot, name: str, namespace: str = "shop") -> Proxy:
    """Return one proxy."""
    return next(one for one in view.proxies if one.id == ProxyId(name, namespace))


def hosts(view: Snapshot, name: str, namespace: str = "shop") -> list[str]:
    """Return the hosts that a proxy sees, without the cluster's domain."""
    return [one.host.removesuffix(".svc.cluster.local") for one in view.scope(proxy(view, name, namespace)).services]
