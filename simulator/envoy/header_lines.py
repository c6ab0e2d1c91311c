"""Headers that are one line however often they are sent or added.

Envoy: source/common/http/header_map_impl.cc. It keeps well-known headers in slots of their own, and adds a further line
to the first after a comma; which they are was observed with Envoy 1.40.
"""

from collections.abc import Iterable

Fields = tuple[tuple[str, str], ...]

_ONE_LINE = frozenset(
    {
        "accept", "accept-encoding", "access-control-request-headers", "access-control-request-method",
        "access-control-request-private-network", "authorization", "cache-control", "cdn-loop", "connection",
        "content-encoding", "content-type", "expect", "grpc-accept-encoding", "grpc-timeout", "if-match",
        "if-modified-since", "if-none-match", "keep-alive", "origin", "pragma", "proxy-connection", "proxy-status",
        "referer", "te", "transfer-encoding", "upgrade", "user-agent", "via", "x-client-trace-id",
        "x-envoy-attempt-count", "x-envoy-decorator-operation", "x-envoy-downstream-service-cluster",
        "x-envoy-downstream-service-node", "x-envoy-external-address", "x-envoy-force-trace", "x-envoy-internal",
        "x-envoy-original-path", "x-envoy-retry-on", "x-forwarded-client-cert", "x-forwarded-for",
        "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-request-id",
    }
)  # fmt: skip
"""Headers of which Envoy keeps one: a further line is added to the first, after a comma."""


def one_line(fields: Iterable[tuple[str, str]]) -> Fields:
    """Make one line of each header that Envoy keeps only once, empty lines left out."""
    kept: list[tuple[str, str]] = []
    places: dict[str, int] = {}
    for name, value in fields:
        if name not in _ONE_LINE or name not in places:
            places.setdefault(name, len(kept))
            kept.append((name, value))
        elif value:
            before = kept[places[name]][1]
            kept[places[name]] = (name, f"{before},{value}" if before else value)
    return tuple(kept)
