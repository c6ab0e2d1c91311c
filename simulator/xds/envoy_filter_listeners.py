"""EnvoyFilter patches on listeners, their filter chains and filters.

istiod: pilot/pkg/networking/core/envoyfilter/listener_patch.go.
"""

from typing import cast

from simulator.model.wire import FilterChain, Json, Listener
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_filter_lists import PatchPanic, added, edited, merge_filter, merged_configuration, thawed
from simulator.xds.envoy_filter_patches import MESSAGES, Patch, Patches
from simulator.xds.envoy_filter_routes import patch_route_configuration
from simulator.xds.message_documents import merge

HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager"
_HCM_TYPE = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_VIRTUAL = ("virtualInbound", "virtualOutbound")
KINDS = ("LISTENER", "LISTENER_FILTER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER")
ROUTE_KINDS = ("ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE")


class Identity:
    """Any document as part of a key: equal only to itself, and kept alive by the key."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def patch_listener(snapshot: Snapshot, original: Identity, patches: Patches, context: str) -> Listener | None:
    """Return a listener with the patches of its context applied; itself when none touches it, None when removed.

    Routes that stand in the listener itself are patched first, since they are made before it.
    """
    listener: Listener = original.value  # type: ignore[assignment]
    own = Patches(tuple(patch for patch in patches.of(*KINDS).all if _listener_matches(listener, patch)))
    routes = patches.of(*ROUTE_KINDS)
    if not own and not (routes and _has_inline_routes(listener)):
        return listener
    draft: Listener = thawed(listener)
    if routes:
        _patch_inline_routes(draft, routes, context)
    try:
        return draft if _patch(draft, own) else None
    except PatchPanic:
        return draft


def _patch(listener: Listener, patches: Patches) -> bool:
    """Change a listener in place; return False when a patch removes it."""
    for patch in patches.of("LISTENER").all:
        if patch.operation == "REMOVE":
            return False
        if patch.operation == "MERGE":
            _become(listener, merge(MESSAGES["LISTENER"], listener, patch.value))  # type: ignore[arg-type]
    for patch in patches.of("LISTENER_FILTER").all:
        _patch_listener_filters(listener, patch)
    _patch_filter_chains(listener, patches)
    return True


def added_listeners(patches: Patches, context: str) -> list[Listener]:
    """Return the listeners that patches add; those for any context go outbound, those without a name nowhere."""
    return [
        added(patch)  # type: ignore[misc]
        for patch in patches.of("LISTENER").all
        if patch.operation == "ADD"
        and patch.value.get("name")
        and (patch.context != "ANY" or context in ("SIDECAR_OUTBOUND", "GATEWAY"))
    ]


def _become(document: object, other: object) -> None:
    """Give a document the content of another one, in place."""
    target, source = cast(Json, document), cast(Json, other)
    for key in target.keys() - source.keys():
        del target[key]
    target.update(source)


def _set(document: object, key: str, items: list[Json]) -> None:
    """Store a list; an empty one is left out."""
    target: Json = document  # type: ignore[assignment]
    if items:
        target[key] = items
    else:
        target.pop(key, None)


def _patch_listener_filters(listener: Listener, patch: Patch) -> None:
    """Apply a patch to the listener filters; merging, unlike all else, looks at no name and keeps every name."""
    name = (patch.listener or {}).get("listenerFilter") or ""
    filters = listener.get("listener_filters", [])
    if patch.operation == "MERGE":
        for one in filters if name else ():
            if "typed_config" in one and patch.value.get("typed_config"):
                one["typed_config"] = merged_configuration(one["typed_config"], patch.value["typed_config"])
        return
    patched = edited(filters, patch, lambda one: one.get("name") == name, specific=bool(name))
    _set(listener, "listener_filters", patched)


def _patch_filter_chains(listener: Listener, patches: Patches) -> None:
    chains = listener.get("filter_chains", [])
    gone = [chain for chain in chains if not _patch_chain(listener, chain, patches)]
    default = listener.get("default_filter_chain")
    if default is not None and not _patch_chain(listener, default, patches):
        del listener["default_filter_chain"]
    kept: list[Json] = [chain for chain in chains if not any(chain is one for one in gone)]  # type: ignore[misc]
    kept += [
        added(patch)
        for patch in patches.of("FILTER_CHAIN").all
        if patch.operation == "ADD" and patch.value.get("filters")
    ]
    _set(listener, "filter_chains", kept)


def _patch_chain(listener: Listener, chain: FilterChain, patches: Patches) -> bool:
    """Change a filter chain in place; return False when a patch removes it. One that loses all its filters stays."""
    patches = Patches(tuple(patch for patch in patches.all if _chain_matches(listener, chain, patch)))
    for patch in patches.of("FILTER_CHAIN").all:
        if patch.operation == "REMOVE":
            return False
        if patch.operation == "MERGE":
            _become(chain, _merged_chain(chain, patch.value))
    for patch in patches.of("NETWORK_FILTER").all:
        wanted = _network_filter(patch)
        name = None if wanted is None else wanted.get("name", "")
        filters = edited(
            chain.get("filters", []),
            patch,
            lambda one, name=name: name is None or one.get("name") == name,  # type: ignore[misc]
            specific=wanted is not None,
        )
        _set(chain, "filters", filters)
    for one in chain.get("filters", []):
        _patch_network_filter(one, patches)
    return True


def _merged_chain(chain: FilterChain, value: Json) -> FilterChain:
    """Merge a chain; a transport socket of the same name has its configuration merged, and nothing else then is."""
    mine, theirs = chain.get("transport_socket"), value.get("transport_socket")
    if mine and theirs and mine.get("name") == theirs.get("name"):
        if not mine.get("typed_config") or not theirs.get("typed_config"):
            return chain
        merged = merged_configuration(mine["typed_config"], theirs["typed_config"])
        return {**chain, "transport_socket": {**mine, "typed_config": merged}}
    return merge(MESSAGES["FILTER_CHAIN"], chain, value)  # type: ignore[arg-type,return-value]


def _patch_network_filter(network_filter: Json, patches: Patches) -> None:
    for patch in patches.of("NETWORK_FILTER").all:
        if patch.operation == "MERGE" and _filter_matches(network_filter, patch):
            _become(network_filter, merge_filter(network_filter, patch.value))
    config = network_filter.get("typed_config")
    if network_filter.get("name") != HTTP_CONNECTION_MANAGER or not config or _HCM_TYPE not in config.get("@type", ""):
        return
    chosen = [patch for patch in patches.of("HTTP_FILTER").all if _filter_matches(network_filter, patch)]
    if not chosen:
        return
    filters: list[Json] = config.get("http_filters", [])
    for patch in chosen:
        filters = _patched_http_filters(filters, patch)
    for patch in chosen:
        if patch.operation == "MERGE":
            filters = [merge_filter(one, patch.value) if _http_filter_matches(one, patch) else one for one in filters]
    _set(config, "http_filters", filters)


def _patched_http_filters(filters: list[Json], patch: Patch) -> list[Json]:
    specific = _sub_filter(patch) is not None
    return edited(filters, patch, lambda one: _http_filter_matches(one, patch), specific=specific)


def _listener_matches(listener: Listener, patch: Patch) -> bool:
    """The port of a virtual listener's chains is told by their match, which is looked at later."""
    match = patch.listener
    if match is None:
        return True
    if match.get("name") and match["name"] != listener.get("name"):
        return False
    if patch.apply_to != "LISTENER" and listener.get("name") in _VIRTUAL:
        return True
    port = int(match.get("portNumber") or 0)
    address = listener.get("address", {}).get("socket_address", {})
    return not port or int(address.get("port_value") or 0) == port


def _chain_matches(listener: Listener, chain: FilterChain, patch: Patch) -> bool:
    match = patch.listener
    if match is None:
        return True
    own: Json = chain.get("filter_chain_match") or {}
    port = int(match.get("portNumber") or 0)
    if listener.get("name") in _VIRTUAL and port and int(own.get("destination_port") or 0) != port:
        return False
    wanted = match.get("filterChain") or {}
    if wanted.get("name") and wanted["name"] != chain.get("name"):
        return False
    if wanted.get("sni") and wanted["sni"] not in own.get("server_names", ()):
        return False
    if wanted.get("transportProtocol") and wanted["transportProtocol"] != own.get("transport_protocol"):
        return False
    protocols = wanted.get("applicationProtocols") or ""
    if protocols and not set(protocols.split(",")) <= set(own.get("application_protocols", ())):
        return False
    destination = int(wanted.get("destinationPort") or 0)
    return not destination or int(own.get("destination_port") or 0) == destination


def _network_filter(patch: Patch) -> Json | None:
    chain = (patch.listener or {}).get("filterChain")
    wanted: Json | None = (chain or {}).get("filter")
    return wanted


def _filter_matches(network_filter: Json, patch: Patch) -> bool:
    wanted = _network_filter(patch)
    return wanted is None or (wanted.get("name") or "") == network_filter.get("name")


def _sub_filter(patch: Patch) -> Json | None:
    wanted: Json | None = (_network_filter(patch) or {}).get("subFilter")
    return wanted


def _http_filter_matches(http_filter: Json, patch: Patch) -> bool:
    wanted = _sub_filter(patch)
    return wanted is None or (wanted.get("name") or "") == http_filter.get("name")


def _has_inline_routes(listener: Listener) -> bool:
    return any(True for _ in _inline_configurations(listener))


def _inline_configurations(listener: Listener) -> list[Json]:
    chains = [*listener.get("filter_chains", ())]
    if "default_filter_chain" in listener:
        chains.append(listener["default_filter_chain"])
    configs = [one.get("typed_config") or {} for chain in chains for one in chain.get("filters", ())]
    return [config for config in configs if "route_config" in config and _is_default(config["route_config"])]


def _is_default(configuration: Json) -> bool:
    """Tell whether all goes to the workload: istiod leaves routes of VirtualServices and of tunnels as they are."""
    routes = [route.get("name") for host in configuration.get("virtual_hosts", ()) for route in host.get("routes", ())]
    return routes == ["default"]


def _patch_inline_routes(listener: Listener, patches: Patches, context: str) -> None:
    for config in _inline_configurations(listener):
        config["route_config"] = patch_route_configuration(config["route_config"], patches, context, ports={})
