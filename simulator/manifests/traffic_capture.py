"""What redirects a pod's traffic to its proxy: the init container, or the CNI plugin's annotations.

istiod: manifests/charts/istio-control/istio-discovery/files/injection-template.yaml, pkg/kube/inject/template.go
(excludeInboundPort, appendMultusNetwork).
"""

import json

from simulator.manifests.proxy_security import init_security
from simulator.manifests.template_context import Context
from simulator.model.wire import Json

_TRAFFIC = "traffic.sidecar.istio.io/"
_REROUTED = "istio.io/reroute-virtual-interfaces"
_NETWORKS = "k8s.v1.cni.cncf.io/networks"


def init_container(context: Context) -> Json:
    """Return the init container: it sets up the redirection, or only verifies it where the CNI plugin does that."""
    injector, excluded = context.injector, _excluded_ports(context)
    flags = {
        "-p": str(injector.mesh.get("proxyListenPort") or 15001),
        "-z": str(injector.mesh.get("proxyInboundListenPort") or 15006),
        "-u": "1337",
        "-m": context.interception_mode,
        "-i": context.annotation(_TRAFFIC + "includeOutboundIPRanges", "global.proxy.includeIPRanges"),
        "-x": context.annotation(_TRAFFIC + "excludeOutboundIPRanges", "global.proxy.excludeIPRanges"),
        "-b": context.annotation(_TRAFFIC + "includeInboundPorts", "global.proxy.includeInboundPorts"),
        "-d": f"15090,15021,{excluded}" if excluded else "15090,15021",
    }
    for flag, name in (("-q", "includeOutboundPorts"), ("-o", "excludeOutboundPorts")):
        if (ports := _outbound_ports(context, name)) is not None:
            flags[flag] = ports
    for flag, names in (
        ("-k", (_REROUTED, _TRAFFIC + "kubevirtInterfaces")),
        ("-c", (_TRAFFIC + "excludeInterfaces",)),
    ):
        given = [context.annotations[name] for name in names if name in context.annotations]
        flags |= {flag: given[0]} if given else {}
    container: Json = {
        "name": "istio-validation" if context.uses_cni else "istio-init",
        "image": context.image("global.proxy_init.image"),
        **context.pull_policy,
        "args": ["istio-iptables", *(part for pair in flags.items() for part in pair), *_switches(context)],
        "resources": context.resources,
        "securityContext": init_security(context),
    }
    metadata = context.metadata_environment
    return {**container, "env": metadata} if metadata else container


def _switches(context: Context) -> list[str]:
    injector = context.injector
    forced = not context.uses_cni and injector.value("global.proxy_init.forceApplyIptables", False)
    return [
        f"--log_output_level={context.annotation('sidecar.istio.io/agentLogLevel', 'global.logging.level')}",
        *(["--log_as_json"] if injector.value("global.logAsJson", False) else []),
        *(["--run-validation", "--skip-rule-apply"] if context.uses_cni else []),
        *(["--force-apply"] if forced else []),
        *(["--native-nftables"] if injector.value("global.nativeNftables", False) else []),
    ]


def cni_annotations(context: Context) -> dict[str, str]:
    """Return the annotations with which the CNI plugin gets the init container's settings; empty without the plugin."""
    if not context.uses_cni:
        return {}
    added = {}
    if context.injector.value("pilot.cni.provider") == "multus":
        added[_NETWORKS] = with_network(context.annotations.get(_NETWORKS, ""), namespace="default", name="istio-cni")
    ranges = {"includeOutboundIPRanges": "includeIPRanges", "excludeOutboundIPRanges": "excludeIPRanges"}
    optional = {
        **{name: context.annotation(_TRAFFIC + name, f"global.proxy.{value}") for name, value in ranges.items()},
        **{name: _outbound_ports(context, name) for name in ("includeOutboundPorts", "excludeOutboundPorts")},
    }
    included = context.annotation(_TRAFFIC + "includeInboundPorts", "global.proxy.includeInboundPorts")
    return {
        **added,
        "sidecar.istio.io/interceptionMode": context.interception_mode,
        **{_TRAFFIC + name: value for name, value in optional.items() if value},
        _TRAFFIC + "includeInboundPorts": included,
        _TRAFFIC + "excludeInboundPorts": _excluded_ports(context),
    }


def with_network(networks: str, *, namespace: str, name: str) -> str:
    """Add a network to those that Multus attaches to a pod, written as names or as JSON."""
    end = networks.rfind("]")
    if not networks or end < 0:
        named = f"{namespace}/{name}"
        given = [text.strip() for text in networks.split(",")]
        return networks if named in given else f"{networks}, {named}" if networks else named
    try:
        listed = json.loads(networks)
    except ValueError:
        return networks
    if any(one.get("name") == name and one.get("namespace") == namespace for one in listed):
        return networks
    return f'{networks[:end]}, {{"name": "{name}", "namespace": "{namespace}"}}{networks[end:]}'


def _outbound_ports(context: Context, name: str) -> str | None:
    if _TRAFFIC + name in context.annotations or context.injector.value(f"global.proxy.{name}"):
        return context.annotation(_TRAFFIC + name, f"global.proxy.{name}")
    return None


def _excluded_ports(context: Context) -> str:
    excluded = context.annotation(_TRAFFIC + "excludeInboundPorts", "global.proxy.excludeInboundPorts")
    port = context.status_port.strip()
    ports = [text.strip() for text in excluded.split(",") if text.strip()]
    if not port or port == "0" or port in excluded.split(","):
        return excluded
    return ",".join([*ports, port])
