"""Which endpoint of a cluster gets the request.

Priorities come first: the load goes to the first whose healthy endpoints, times the overprovisioning factor, carry it,
and what they cannot carry spills over. Within a priority localities count only where they are weighted, each by as much
of it as is healthy; in panic neither health nor localities count.
Envoy: source/common/upstream/{upstream_impl,eds}.cc, source/extensions/load_balancing_policies/common.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulator.envoy.addresses import join, socket_address
from simulator.envoy.chance import pick_next
from simulator.envoy.config import Config
from simulator.envoy.documents import child, children, flag, integer, real, text
from simulator.envoy.priority_loads import FACTOR, PANIC, Counts, priority_loads
from simulator.model.requests import Request
from simulator.model.traces import Rejected
from simulator.model.wire import Json

_HEALTHY = frozenset({"", "UNKNOWN", "HEALTHY", "0", "1"})
_DEGRADED = frozenset({"DEGRADED", "5"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint of a cluster as the proxy holds it."""

    address: str
    port: int
    health: str = "UNKNOWN"
    priority: int = 0
    locality: str = ""
    weight: int = 1
    locality_weight: int = 0
    hostname: str = ""
    document: Json = field(default_factory=dict, repr=False, compare=False)

    @property
    def healthy(self) -> bool:
        """Tell whether it takes part in load balancing without panic."""
        return self.health in _HEALTHY

    @property
    def degraded(self) -> bool:
        """Tell whether it is used only for what healthy endpoints cannot carry."""
        return self.health in _DEGRADED

    def __str__(self) -> str:
        return join(self.address, self.port) if self.port else self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The chosen endpoint, or None with the reason."""

    endpoint: Endpoint | None
    because: str
    alternatives: tuple[Endpoint, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    original_destination: bool = False
    known: bool = True
    """False when the configuration does not say which endpoints there are."""


def select(config: Config, cluster: Json, request: Request, *, header: str = "") -> Selection:
    """Choose the endpoint of a cluster; `header` is the value of its original destination header, if it reads one."""
    kind = text(cluster, "type")
    if kind in ("ORIGINAL_DST", "4"):
        return _original_destination(cluster, request, header)
    extension = text(child(cluster, "cluster_type"), "name")
    if "dynamic_forward_proxy" in extension:
        endpoint = Endpoint(address=request.host, port=request.port)
        return Selection(endpoint=endpoint, because="the host the request names, looked up when it is needed")
    found = assignment(config, cluster)
    if found is None:
        return Selection(endpoint=None, because="the configuration does not list its endpoints", known=False)
    return balance(cluster, endpoints(found), request.random, factor=_overprovisioning(found))


def assignment(config: Config, cluster: Json) -> Json | None:
    """Return the load assignment of a cluster; None when the configuration has none."""
    if text(cluster, "type") not in ("EDS", "3"):
        return child(cluster, "load_assignment")
    name = text(child(cluster, "eds_cluster_config"), "service_name") or text(cluster, "name")
    found = config.endpoints.get(name)
    if found is None and config.endpoints:
        return {}
    return found


def _overprovisioning(document: Json) -> int:
    return integer(child(document, "policy"), "overprovisioning_factor", FACTOR)


def endpoints(document: Json) -> tuple[Endpoint, ...]:
    """Read the endpoints of a load assignment, in its order."""
    found: list[Endpoint] = []
    for group in children(document, "endpoints"):
        place = child(group, "locality")
        names = (text(place, "region"), text(place, "zone"), text(place, "sub_zone"))
        for item in children(group, "lb_endpoints"):
            target = child(item, "endpoint")
            address, port = _address(target)
            found.append(
                Endpoint(
                    address=address,
                    port=port,
                    health=text(item, "health_status") or "UNKNOWN",
                    priority=integer(group, "priority"),
                    locality="/".join(names).rstrip("/"),
                    weight=integer(item, "load_balancing_weight", 1),
                    locality_weight=integer(group, "load_balancing_weight"),
                    hostname=text(target, "hostname"),
                    document=item,
                )
            )
    return tuple(found)


def _address(target: Json) -> tuple[str, int]:
    address = child(target, "address")
    pair = socket_address(address)
    if pair is not None:
        return pair
    internal = child(address, "envoy_internal_address")
    if internal:
        return f"envoy://{text(internal, 'server_listener_name')}/{text(internal, 'endpoint_id')}", 0
    return f"unix://{text(child(address, 'pipe'), 'path')}", 0


def balance(cluster: Json, listed: Sequence[Endpoint], random: float | None, *, factor: int = FACTOR) -> Selection:
    """Choose among endpoints by priority, health, locality and weight; one number decides all of it."""
    if not listed:
        return Selection(endpoint=None, because="the cluster has no endpoints")
    settings = child(cluster, "common_lb_config")
    threshold = PANIC
    if "healthy_panic_threshold" in settings:  # an empty message is 0, which turns panic off
        threshold = real(child(settings, "healthy_panic_threshold"), "value")
    loads = priority_loads(_counts(listed), factor=factor, threshold=threshold)
    parts = [(number, False, load) for number, load in loads.healthy.items()]
    parts += [(number, True, load) for number, load in loads.degraded.items()]
    position, random = pick_next([load for _, _, load in parts], random)
    priority, degraded, _ = parts[position or 0]
    members = [endpoint for endpoint in listed if endpoint.priority == priority]
    if priority in loads.panic:
        why = f"panic: fewer than {threshold:g} % of priority {priority} are healthy"
        return _chosen(members, listed, random, why)
    usable = [endpoint for endpoint in members if (endpoint.degraded if degraded else endpoint.healthy)]
    if not usable:
        rejected = tuple(Rejected(name=str(one), because=f"its health is {one.health}") for one in listed)
        return Selection(endpoint=None, because="no endpoint is healthy", rejected=rejected)
    why = f"priority {priority}, degraded endpoints" if degraded else f"priority {priority}"
    if "locality_weighted_lb_config" not in settings:
        return _chosen(usable, listed, random, why)
    place, share, random = _locality(usable, members, random, factor)
    if place is None:
        return _chosen(usable, listed, random, why)
    pool = [one for one in usable if one.locality == place]
    return _chosen(pool, listed, random, f"{why}, locality {place or 'unknown'} ({share:g} %)")


def _counts(listed: Sequence[Endpoint]) -> dict[int, Counts]:
    found: dict[int, Counts] = {}
    for priority in sorted({endpoint.priority for endpoint in listed}):
        members = [endpoint for endpoint in listed if endpoint.priority == priority]
        found[priority] = Counts(
            all=len(members),
            healthy=sum(endpoint.healthy for endpoint in members),
            degraded=sum(endpoint.degraded for endpoint in members),
        )
    return found


def _locality(
    usable: Sequence[Endpoint], members: Sequence[Endpoint], random: float | None, factor: int
) -> tuple[str | None, float, float | None]:
    """Choose a locality by its weight and by how much of it is usable; None when none has any weight."""
    places = list(dict.fromkeys(one.locality for one in members))
    weights: list[float] = []
    for place in places:
        every = [one for one in members if one.locality == place]
        fit = sum(one.locality == place for one in usable)
        weights.append(max(one.locality_weight for one in every) * min(1.0, factor * fit / (100 * len(every))))
    chosen, rest = pick_next(weights, random)
    if chosen is None:
        return None, 0.0, rest
    return places[chosen], round(100 * weights[chosen] / sum(weights), 1), rest


def _chosen(pool: Sequence[Endpoint], listed: Sequence[Endpoint], random: float | None, why: str) -> Selection:
    """Choose one of the endpoints that are left by its weight."""
    position, _ = pick_next([max(one.weight, 1) for one in pool], random)
    endpoint = pool[position or 0]
    if len(pool) > 1:
        why = f"{why}, one of {len(pool)}"
    rejected = tuple(
        Rejected(
            name=str(one), because=f"its health is {one.health}" if not one.healthy else _passed_over(one, endpoint)
        )
        for one in listed
        if one not in pool
    )
    return Selection(
        endpoint=endpoint,
        because=why,
        alternatives=tuple(one for one in pool if one is not endpoint),
        rejected=rejected,
    )


def _passed_over(one: Endpoint, chosen: Endpoint) -> str:
    if not one.healthy:
        return f"its health is {one.health}"
    if one.priority != chosen.priority:
        return f"priority {one.priority}"
    return f"locality {one.locality or 'unknown'}"


def _original_destination(cluster: Json, request: Request, header: str) -> Selection:
    settings = child(cluster, "original_dst_lb_config")
    address, port = request.destination_ip, request.port
    because = "the address the client dialled"
    if flag(settings, "use_http_header") and header:
        address, _, text_port = header.rpartition(":")
        port = int(text_port) if text_port.isdigit() else port
        because = "the address a header names"
    port = integer(settings, "upstream_port_override", port)
    source = text(child(child(cluster, "upstream_bind_config"), "source_address"), "address")
    if source:
        because = f"{because}, from {source}"
    if not address and request.host:
        address, because = request.host, "the host the client dialled, whose address is not known"
    if not address:
        return Selection(endpoint=None, because="the connection has no original destination")
    return Selection(endpoint=Endpoint(address=address, port=port), because=because, original_destination=True)
