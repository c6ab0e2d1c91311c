"""TCP filter stacks towards destinations: one cluster, or several by weight.

istiod: pilot/pkg/networking/core/networkfilter.go, tunnelingconfig/apply.go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.model import names
from simulator.model.ports import Port
from simulator.model.resources import Resource
from simulator.model.services import Resolution, Service
from simulator.model.wire import Json
from simulator.registry.scopes import DestinationRule
from simulator.xds.envoy_messages import optional_duration, typed
from simulator.xds.http_filters import dns_cache
from simulator.xds.listener_context import ListenerContext
from simulator.xds.network_filters import guarded_filters, idle_timeout, protocol_filters, tcp_proxy
from simulator.xds.route_targets import destination_cluster
from simulator.xds.stat_names import stat_name

SNI_PROXY = "envoy.extensions.filters.network.sni_dynamic_forward_proxy"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Destinations:
    """Builds the filter stacks of one proxy's TCP filter chains."""

    context: ListenerContext
    service_of: Callable[[str], Service | None]
    rule: Callable[[str], DestinationRule | None]
    """The DestinationRule for a host."""
    guarded: ListenerContext | None = None
    """The context with the workload's own authorization, which chains to wildcard hosts resolved by SNI have."""

    def service(self, service: Service, port: Port, number: int) -> list[Json]:
        """Return the stack to a service itself; `port` is that of the listener, `number` that of the service."""
        cluster = names.outbound(port=number, host=service.host)
        prefix = self.stat_prefix(cluster, service, port=Port(name="", number=number, protocol=port.protocol))
        rule = self.rule(service.host)
        return self.single(prefix, cluster, port, rule=rule, wildcard=service if is_dynamic_wildcard(service) else None)

    def stat_prefix(self, cluster: str, service: Service | None, *, port: Port, subset: str = "") -> str:
        """Return the name in statistics: the cluster's, or what the mesh's pattern makes of its service."""
        pattern = self.context.snapshot.mesh.get("outboundClusterStatName")
        if not pattern or service is None:
            return cluster
        return stat_name(pattern, service=service, port=port, subset=subset)

    def single(
        self,
        prefix: str,
        cluster: str,
        port: Port,
        *,
        rule: DestinationRule | None,
        subset: str = "",
        tunnel: bool = True,
        with_peer: bool = False,
        wildcard: Service | None = None,
    ) -> list[Json]:
        """Return the stack to one cluster."""
        proxy = proxy_by_rule(self.context, prefix, {"cluster": cluster}, rule=rule, subset=subset, tunnel=tunnel)
        stack = protocol_filters(self.context.snapshot, port.protocol, proxy, stat_prefix=prefix, cluster=cluster)
        if wildcard is None:
            return guarded_filters(self.context, stack, port=port.number, with_peer=with_peer)
        stack = [sni_proxy(wildcard.host, port.number), *stack]
        return guarded_filters(self.guarded or self.context, stack, port=port.number, with_peer=with_peer)

    def routes(self, routes: Sequence[Json], port: Port, source: Resource, *, with_peer: bool = False) -> list[Json]:
        """Return the stack of a TCP or TLS route of a VirtualService; its first destination's rule counts."""
        first = routes[0].get("destination") or {}
        host = first.get("host") or ""
        service = self.service_of(host)
        rule = self.rule(host) if service is not None else None
        if len(routes) > 1:
            return self._weighted(routes, port, source, rule=rule, with_peer=with_peer)
        cluster = self._cluster(first, port)
        subset = first.get("subset") or ""
        prefix = self.stat_prefix(cluster, service, port=port, subset=subset)
        return self.single(prefix, cluster, port, rule=rule, subset=subset, with_peer=with_peer)

    def _weighted(
        self, routes: Sequence[Json], port: Port, source: Resource, *, rule: DestinationRule | None, with_peer: bool
    ) -> list[Json]:
        clusters = [
            {"name": self._cluster(route.get("destination") or {}, port), "weight": route["weight"]}
            for route in routes
            if (route.get("weight") or 0) > 0
        ]
        prefix = f"{source.name}.{source.namespace}"
        proxy = proxy_by_rule(self.context, prefix, {"weighted_clusters": {"clusters": clusters}}, rule=rule)
        first = clusters[0]["name"] if clusters else ""
        stack = protocol_filters(self.context.snapshot, port.protocol, proxy, stat_prefix=prefix, cluster=first)
        return guarded_filters(self.context, stack, port=port.number, with_peer=with_peer)

    def _cluster(self, destination: Json, port: Port) -> str:
        """Name the cluster of a destination; without a port, that of the service's only one or of the listener."""
        service = self.service_of(destination.get("host") or "")
        only = service.ports[0].number if service is not None and len(service.ports) == 1 else port.number
        return destination_cluster(destination, service, only)


def proxy_by_rule(
    context: ListenerContext,
    prefix: str,
    target: Json,
    *,
    rule: DestinationRule | None,
    subset: str = "",
    tunnel: bool = True,
) -> Json:
    """Return the TCP proxy to `target`, a cluster or several by weight, as a DestinationRule wants it."""
    policy: Json = (rule.spec.get("trafficPolicy") if rule else None) or {}
    tcp: Json = (policy.get("connectionPool") or {}).get("tcp") or {}
    return tcp_proxy(
        stat_prefix=prefix,
        **target,
        idle_timeout=idle_timeout(context, tcp.get("idleTimeout")),
        max_downstream_connection_duration=optional_duration(tcp.get("maxConnectionDuration")),
        hash_policy=_hash_policy(policy, _subset(rule, subset)),
        tunneling_config=_tunnel(rule, subset) if tunnel else None,
        logs=context.logs.tcp,
    )


def sni_proxy(host: str, port: int) -> Json:
    """Return the filter that resolves the name in SNI, one under a wildcard host."""
    kind = "envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig"
    return typed(SNI_PROXY, kind, dns_cache_config=dns_cache(host), port_value=port)


def is_dynamic_wildcard(service: Service) -> bool:
    """Tell whether names under a wildcard host are resolved as they are dialled."""
    return service.host.startswith("*") and service.resolution is Resolution.DYNAMIC_DNS


def _subset(rule: DestinationRule | None, name: str) -> Json | None:
    subsets: Sequence[Json] = rule.spec.get("subsets") or () if rule else ()
    return next((subset for subset in subsets if (subset.get("name") or "") == name), None)


def _hash_policy(policy: Json, subset: Json | None) -> list[Json]:
    """Hash by source address where the subset's load balancer, else the rule's, says so."""
    balancer = policy.get("loadBalancer") or {}
    own = ((subset or {}).get("trafficPolicy") or {}).get("loadBalancer")
    chosen = balancer if own is None else own
    return [{"source_ip": {}}] if (chosen.get("consistentHash") or {}).get("useSourceIp") else []


def _tunnel(rule: DestinationRule | None, name: str) -> Json | None:
    if rule is None:
        return None
    holder: Json = (_subset(rule, name) or {}) if name else rule.spec
    tunnel = (holder.get("trafficPolicy") or {}).get("tunnel")
    if tunnel is None:
        return None
    host, port = tunnel.get("targetHost") or "", tunnel.get("targetPort") or 0
    joined = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return {"hostname": joined, "use_post": True} if tunnel.get("protocol") == "POST" else {"hostname": joined}
