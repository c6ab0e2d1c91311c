"""Which proxies open, take and pass on HBONE tunnels.

istiod: pilot/pkg/model/context.go (EnableHBONEListen, ShouldCreateDoubleHBONEResources, IsAmbientEastWestGateway).
"""

from simulator.model.proxies import Proxy, Role
from simulator.registry.snapshot import Snapshot
from simulator.xds.listener_settings import metadata_flag

MANAGED = "gateway.istio.io/managed"
FORWARD_INNER = "forward_inner_connect"


def sends_tunnels(snapshot: Snapshot, proxy: Proxy) -> bool:
    """Tell whether a proxy reaches workloads of ambient mode through tunnels."""
    return proxy.role is Role.WAYPOINT or snapshot.flag("PILOT_ENABLE_SENDING_HBONE", default=True)


def opens_tunnels(snapshot: Snapshot, proxy: Proxy) -> bool:
    """Tell whether a sidecar or gateway has the cluster by which tunnels are opened."""
    return sends_tunnels(snapshot, proxy) and not metadata_flag(proxy.metadata, "DISABLE_HBONE_SEND")


def takes_tunnels(snapshot: Snapshot, proxy: Proxy) -> bool:
    """Tell whether a sidecar accepts tunnels."""
    listening = snapshot.flag("PILOT_ENABLE_SIDECAR_LISTENING_HBONE", default=True)
    return listening and metadata_flag(proxy.metadata, "ENABLE_HBONE")


def joins_networks(proxy: Proxy) -> bool:
    """Tell whether a waypoint is an east-west gateway of ambient mode."""
    return proxy.role is Role.WAYPOINT and proxy.labels.get(MANAGED) == "istio.io-eastwest-controller"


def is_ingress(proxy: Proxy) -> bool:
    """Tell whether a gateway is one for traffic from outside, by its labels."""
    labels = proxy.labels
    ours = labels.get(MANAGED) == "istio.io-gateway-controller" or labels.get("istio") == "ingressgateway"
    return proxy.role is Role.GATEWAY and ours


def tunnels_twice(snapshot: Snapshot, proxy: Proxy) -> bool:
    """Tell whether a proxy reaches other networks by a tunnel in a tunnel."""
    if proxy.role is Role.WAYPOINT:
        return snapshot.flag("AMBIENT_ENABLE_MULTI_NETWORK_WAYPOINT", default=True)
    return (
        is_ingress(proxy)
        and opens_tunnels(snapshot, proxy)
        and snapshot.flag("AMBIENT_ENABLE_MULTI_NETWORK", default=False)
        and snapshot.flag("AMBIENT_ENABLE_MULTI_NETWORK_INGRESS", default=False)
    )
