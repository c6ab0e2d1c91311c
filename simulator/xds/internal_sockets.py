"""Transport sockets to a proxy's own internal listeners, by which connections enter HBONE tunnels.

istiod: pilot/pkg/networking/util/internal_upstream.go, pilot/pkg/networking/core/cluster_tls.go (hboneTransportSocket).
"""

from collections.abc import Sequence

from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import any_message, typed

ORIGINAL_DST = "envoy.filters.listener.original_dst"
CONNECT_ORIGINATE = "connect_originate"
RAW_BUFFER = typed("envoy.transport_sockets.raw_buffer", "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer")
PLAIN = typed("raw_buffer", "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer")
_TYPE = "envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport"
_HOST: Json = {"host": {}}
_CLUSTER: Json = {"cluster": {}}


def internal_socket(inner: Json, *, name: str = "internal_upstream", passed: Sequence[Json] = ()) -> Json:
    """Return the socket to an internal listener that carries `inner`, with the metadata that is `passed` on."""
    return {"name": name, "typed_config": any_message(_TYPE, passthrough_metadata=list(passed), transport_socket=inner)}


def tunnel_socket(snapshot: Snapshot, inner: Json) -> Json:
    """Return the socket by which sidecars and gateways send through a tunnel."""
    passed = [_source(_HOST, ORIGINAL_DST), _source(_CLUSTER, "istio"), _source(_HOST, "istio"), *_baggage(snapshot)]
    return internal_socket(inner, name="envoy.transport_sockets.internal_upstream", passed=passed)


def waypoint_socket(snapshot: Snapshot, inner: Json) -> Json:
    """Return the socket by which a waypoint sends to the workloads of its services."""
    return internal_socket(inner, passed=[_source(_HOST, ORIGINAL_DST), _source(_HOST, "istio"), *_baggage(snapshot)])


def shares_baggage(snapshot: Snapshot) -> bool:
    """Tell whether peers learn of each other by baggage in the tunnel."""
    return snapshot.flag("AMBIENT_ENABLE_BAGGAGE", default=False)


def _baggage(snapshot: Snapshot) -> list[Json]:
    if not shares_baggage(snapshot):
        return []
    return [_source(_CLUSTER, "istio.peer_metadata"), _source(_HOST, "istio.peer_metadata")]


def _source(kind: Json, name: str) -> Json:
    return {"kind": kind, "name": name}
