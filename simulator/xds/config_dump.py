"""The document that Envoy's `/config_dump?include_eds` prints for a proxy.

Envoy: api/envoy/admin/v3/config_dump.proto, source/server/admin/config_dump_handler.cc. What time and state would add
is an argument or left out: Envoy's list of its own extensions, certificates, addresses that only DNS resolves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.model.wire import Cluster, ClusterLoadAssignment, Json, Listener
from simulator.xds.configuration import Configuration
from simulator.xds.secrets import secret, secret_names

ENVOY_VERSION = (1, 38, 0)
_TYPE = "type.googleapis.com/"
_ADMIN = f"{_TYPE}envoy.admin.v3."
_LISTENER = f"{_TYPE}envoy.config.listener.v3.Listener"
_CLUSTER = f"{_TYPE}envoy.config.cluster.v3.Cluster"
_ROUTES = f"{_TYPE}envoy.config.route.v3.RouteConfiguration"
_ENDPOINTS = f"{_TYPE}envoy.config.endpoint.v3.ClusterLoadAssignment"
_EXTENSION = f"{_TYPE}envoy.config.core.v3.TypedExtensionConfig"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The times in a config dump: the version that istiod gave the resources, and when Envoy accepted them."""

    version: str = "2026-01-01T00:00:00Z/1"
    updated: str = "2026-01-01T00:00:00.000Z"


def config_dump(
    configuration: Configuration,
    bootstrap: Json,
    *,
    stamp: Stamp | None = None,
    missing_secrets: frozenset[str] = frozenset(),
    secrets: Mapping[str, Json] | None = None,
) -> Json:
    """Return the dump; nobody serves `missing_secrets`, and `secrets` have content by name."""
    stamp = stamp or Stamp()
    static = bootstrap.get("static_resources") or {}
    configs = [
        {"@type": f"{_ADMIN}BootstrapConfigDump", "bootstrap": _bootstrap(bootstrap), "last_updated": stamp.updated},
        _clusters(configuration.clusters, static.get("clusters", ()), stamp),
        _endpoints(configuration, static.get("clusters", ())),
        _listeners(configuration.listeners, static.get("listeners", ()), stamp),
        _routes(configuration, static.get("listeners", ()), stamp),
        _secrets(configuration, stamp, missing=missing_secrets, known=secrets or {}),
    ]
    if configuration.extensions:
        configs.append(_extensions(configuration.extensions, stamp))
    return {"configs": configs}


def _section(kind: str, **fields: Any) -> Json:
    return {"@type": f"{_ADMIN}{kind}", **{name: value for name, value in fields.items() if value}}


def _typed(message: str, resource: Mapping[str, Any]) -> Json:
    return {"@type": message, **resource}


def _bootstrap(bootstrap: Json) -> Json:
    """Add what Envoy reports about itself in its node."""
    major, minor, patch = ENVOY_VERSION
    version = {"major_number": major, "minor_number": minor} | ({"patch": patch} if patch else {})
    build = {
        "revision.sha": "0" * 40,
        "revision.status": "Clean",
        "build.type": "RELEASE",
        "ssl.version": "BoringSSL",
    }
    agent = {"user_agent_name": "envoy", "user_agent_build_version": {"version": version, "metadata": build}}
    return bootstrap | {"node": bootstrap["node"] | agent}


def _clusters(clusters: Sequence[Cluster], static: Iterable[Cluster], stamp: Stamp) -> Json:
    return _section(
        "ClustersConfigDump",
        version_info=stamp.version,
        static_clusters=[{"cluster": _typed(_CLUSTER, one), "last_updated": stamp.updated} for one in static],
        dynamic_active_clusters=[_dynamic("cluster", _typed(_CLUSTER, one), stamp) for one in clusters],
    )


def _dynamic(name: str, resource: Json, stamp: Stamp) -> Json:
    return {"version_info": stamp.version, name: resource, "last_updated": stamp.updated}


def _listeners(listeners: Sequence[Listener], static: Iterable[Listener], stamp: Stamp) -> Json:
    return _section(
        "ListenersConfigDump",
        version_info=stamp.version,
        static_listeners=[{"listener": _typed(_LISTENER, one), "last_updated": stamp.updated} for one in static],
        dynamic_listeners=[
            {"name": one["name"], "active_state": _dynamic("listener", _typed(_LISTENER, one), stamp)}
            for one in listeners
        ],
    )


def _routes(configuration: Configuration, static: Sequence[Listener], stamp: Stamp) -> Json:
    """List the route configurations delivered by RDS apart from those inlined in listeners."""
    inline = [one for listener in (*configuration.listeners, *static) for one in _inline_routes(listener)]
    return _section(
        "RoutesConfigDump",
        static_route_configs=[{"route_config": _typed(_ROUTES, one), "last_updated": stamp.updated} for one in inline],
        dynamic_route_configs=[_dynamic("route_config", _typed(_ROUTES, one), stamp) for one in configuration.routes],
    )


def _inline_routes(listener: Listener) -> Iterator[Json]:
    chains = list(listener.get("filter_chains", ()))
    if "default_filter_chain" in listener:
        chains.append(listener["default_filter_chain"])
    for chain in chains:
        for one in chain.get("filters", ()):
            config = one.get("typed_config") or {}
            if "route_config" in config:
                yield config["route_config"]


def _secrets(configuration: Configuration, stamp: Stamp, *, missing: frozenset[str], known: Mapping[str, Json]) -> Json:
    names = secret_names((*configuration.listeners, *configuration.clusters))
    active = [
        {"name": name, **_dynamic("secret", known.get(name) or secret(name), stamp)}
        for name in names
        if name not in missing
    ]
    warming = [
        {"name": name, "version_info": "uninitialized", "last_updated": stamp.updated, "secret": secret(name)}
        for name in names
        if name in missing
    ]
    return _section("SecretsConfigDump", dynamic_active_secrets=active, dynamic_warming_secrets=warming)


def _extensions(extensions: Sequence[Json], stamp: Stamp) -> Json:
    filters = [_dynamic("ecds_filter", _typed(_EXTENSION, one), stamp) for one in extensions]
    return _section("EcdsConfigDump", ecds_filters=filters)


def _endpoints(configuration: Configuration, static: Iterable[Cluster]) -> Json:
    assignments = {one["cluster_name"]: one for one in configuration.endpoints}
    return _section(
        "EndpointsConfigDump",
        static_endpoint_configs=[_endpoint_config(_assignment(one, assignments)) for one in static],
        dynamic_endpoint_configs=[_endpoint_config(_assignment(one, assignments)) for one in configuration.clusters],
    )


def _assignment(cluster: Cluster, assignments: Mapping[str, ClusterLoadAssignment]) -> Json:
    """Return the endpoints of a cluster, wherever they come from; an original destination has none before traffic."""
    if cluster.get("type") == "EDS":
        name = (cluster.get("eds_cluster_config") or {}).get("service_name") or cluster["name"]
        return {"endpoints": assignments.get(name, {}).get("endpoints", ()), "cluster_name": name}
    return {"cluster_name": cluster["name"], "endpoints": cluster.get("load_assignment", {}).get("endpoints", ())}


def _endpoint_config(assignment: Json) -> Json:
    groups = [_locality(group) for group in assignment["endpoints"] if group.get("lb_endpoints")]
    document: Json = {"@type": _ENDPOINTS, "cluster_name": assignment["cluster_name"]}
    if groups:
        document["endpoints"] = groups
    return {"endpoint_config": document | {"policy": {"overprovisioning_factor": 140}}}


def _locality(group: Json) -> Json:
    """Spell out locality and weight, which Envoy prints also when nobody set them."""
    result: Json = {
        "locality": group.get("locality") or {},
        "lb_endpoints": [_host(one) for one in group["lb_endpoints"]],
        "load_balancing_weight": group.get("load_balancing_weight") or 0,
    }
    return result | ({"priority": group["priority"]} if group.get("priority") else {})


def _host(host: Json) -> Json:
    """Spell out health and weight, as Envoy does for the hosts that it holds."""
    health = host.get("health_status") or "HEALTHY"
    return host | {
        "endpoint": {"health_check_config": {}} | (host.get("endpoint") or {}),
        "health_status": "HEALTHY" if health == "UNKNOWN" else health,
        "load_balancing_weight": host.get("load_balancing_weight") or 1,
    }
