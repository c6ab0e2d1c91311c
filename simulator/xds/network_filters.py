"""Network filters of TCP filter chains (istiod: pilot/pkg/networking/core/networkfilter.go)."""

from collections.abc import Sequence

from simulator.model import names
from simulator.model.ports import Protocol
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import optional_duration, typed, typed_struct
from simulator.xds.extension_filters import PHASES
from simulator.xds.extension_filters import network_filters as extension_filters
from simulator.xds.http_filters import METADATA_EXCHANGE, additional_labels
from simulator.xds.listener_context import ListenerContext


def tcp_proxy(*, stat_prefix: str, logs: Sequence[Json] = (), **fields: object) -> Json:
    """Return the filter that forwards bytes to a cluster."""
    return typed(
        "envoy.filters.network.tcp_proxy",
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        stat_prefix=stat_prefix,
        access_log=list(logs),
        **fields,
    )


def black_hole() -> Json:
    """Return the filter that closes connections without logging them."""
    return tcp_proxy(stat_prefix=names.BLACK_HOLE, cluster=names.BLACK_HOLE)


def peer_metadata(snapshot: Snapshot) -> list[Json]:
    """Return the filter by which TCP peers tell each other who they are."""
    if not snapshot.flag("PILOT_ENABLE_METADATA_EXCHANGE", default=True):
        return []
    config = {"enable_discovery": True, "protocol": "istio-peer-exchange", **additional_labels(snapshot)}
    kind = "envoy.tcp.metadataexchange.config.MetadataExchange"
    return [typed_struct(METADATA_EXCHANGE, kind, config)]


def idle_timeout(context: ListenerContext, own: str | None = None) -> str | None:
    """Return the idle timeout of a rule, else that of the node."""
    return optional_duration(own) or context.settings.idle_timeout or None


def protocol_filters(
    snapshot: Snapshot, protocol: Protocol, proxy: Json, *, stat_prefix: str, cluster: str
) -> list[Json]:
    """Return `proxy` behind, or replaced by, the filter of a protocol that Envoy can read."""
    if protocol is Protocol.MONGO and snapshot.flag("PILOT_ENABLE_MONGO_FILTER", default=True):
        name, kind = "envoy.filters.network.mongo_proxy", "envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy"
        return [typed(name, kind, stat_prefix=stat_prefix), proxy]
    if protocol is Protocol.MYSQL and snapshot.flag("PILOT_ENABLE_MYSQL_FILTER", default=False):
        name, kind = "envoy.filters.network.mysql_proxy", "envoy.extensions.filters.network.mysql_proxy.v3.MySQLProxy"
        return [typed(name, kind, stat_prefix=stat_prefix), proxy]
    if protocol is Protocol.REDIS and snapshot.flag("PILOT_ENABLE_REDIS_FILTER", default=False):
        return [_redis(stat_prefix, cluster)]
    return [proxy]


def _redis(stat_prefix: str, cluster: str) -> Json:
    return typed(
        "envoy.filters.network.redis_proxy",
        "envoy.extensions.filters.network.redis_proxy.v3.RedisProxy",
        stat_prefix=stat_prefix,
        settings={"op_timeout": "5s"},
        latency_in_micros=True,
        prefix_routes={"catch_all_route": {"cluster": cluster}},
    )


def guarded_filters(context: ListenerContext, stack: Sequence[Json], *, port: int, with_peer: bool) -> list[Json]:
    """Return a TCP filter stack behind peer metadata, authorization, extensions and metrics."""
    authorization = context.authorization

    def extensions(phase: str) -> list[Json]:
        return extension_filters(context.extensions, phase, port=port, cls=context.cls)

    return [
        *(peer_metadata(context.snapshot) if with_peer else []),
        *authorization.custom_tcp,
        *extensions("AUTHN"),
        *extensions("AUTHZ"),
        *authorization.tcp,
        *extensions("STATS"),
        *extensions(""),
        *context.stats,
        *stack,
    ]


def extension_stack(context: ListenerContext, *, port: int) -> list[Json]:
    """Return the network extensions in front of an HTTP connection manager."""
    return [
        item for phase in PHASES for item in extension_filters(context.extensions, phase, port=port, cls=context.cls)
    ]
