"""EnvoyFilter patches on route configurations, virtual hosts and routes.

istiod: pilot/pkg/networking/core/envoyfilter/rc_patch.go.
"""

from collections.abc import Mapping

from simulator.model.wire import Json, Sourced
from simulator.xds.envoy_filter_lists import added, edited
from simulator.xds.envoy_filter_patches import MESSAGES, Patch, Patches
from simulator.xds.message_documents import merge

_ACTIONS = {"route": "ROUTE", "redirect": "REDIRECT", "direct_response": "DIRECT_RESPONSE"}
PortMap = Mapping[int, frozenset[int]]
"""Port in a gateway's route name → numbers of the servers behind it."""


def patch_route_configuration(original: Json, patches: Patches, context: str, *, ports: PortMap) -> Json:
    """Return a route configuration with the patches of its context applied; itself when none touches it."""
    matching = Patches(
        tuple(patch for patch in patches.all if _configuration_matches(original, patch, context, ports=ports))
    )
    if not matching:
        return original
    result = dict(original)
    for patch in matching.of("ROUTE_CONFIGURATION").all:
        if patch.operation == "MERGE":
            result = merge(MESSAGES["ROUTE_CONFIGURATION"], result, patch.value)
    hosts = [_patched_host(host, matching) for host in result.get("virtual_hosts", ())]
    removed = {
        host["name"] for host, patched in zip(result.get("virtual_hosts", ()), hosts, strict=True) if patched is None
    }
    kept = [host for host in hosts if host is not None]
    kept += [added(patch) for patch in matching.of("VIRTUAL_HOST").all if patch.operation == "ADD"]
    kept = [host for host in kept if host.get("name") not in removed]
    result.pop("virtual_hosts", None)
    return result | ({"virtual_hosts": kept} if kept else {})


def gateway_ports(servers: Mapping[str, frozenset[int]]) -> PortMap:
    """Index the server numbers behind each route name by the port in that name."""
    ports: dict[int, frozenset[int]] = {}
    for name, numbers in servers.items():
        port = parse_gateway_name(name)[0]
        ports[port] = ports.get(port, frozenset()) | numbers
    return ports


def parse_gateway_name(name: str) -> tuple[int, str, str]:
    """Split a gateway's route name into port, port name and `namespace/gateway`; zero and empty where it has none."""
    kind, _, rest = name.partition(".")
    if kind == "http":
        return (int(rest) if rest.isdigit() else 0), "", ""
    parts = rest.split(".")
    if kind != "https" or len(parts) != 4:
        return 0, "", ""
    return (int(parts[0]) if parts[0].isdigit() else 0), parts[1], f"{parts[3]}/{parts[2]}"


def _configuration_matches(configuration: Json, patch: Patch, context: str, *, ports: PortMap) -> bool:
    match = patch.route_configuration
    if match is None:
        return True
    name = configuration.get("name", "")
    if match.get("name") and match["name"] != name:
        return False
    wanted = int(match.get("portNumber") or 0)
    if context != "GATEWAY":
        return not wanted or wanted == _port_of(name)
    port, port_name, gateway = parse_gateway_name(name)
    if match.get("portName") and match["portName"] != port_name:
        return False
    if match.get("gateway") and match["gateway"] != gateway:
        return False
    return not wanted or wanted in ports.get(port, frozenset({port}))


def _port_of(name: str) -> int:
    if name.startswith("inbound"):
        name = name.split("|")[1] if name.count("|") == 3 else ""
    return int(name) if name.isdigit() else 0


def _patched_host(host: Json, patches: Patches) -> Json | None:
    for patch in patches.of("VIRTUAL_HOST").all:
        if not _host_matches(host, patch):
            continue
        if patch.operation == "REMOVE":
            return None
        if patch.operation == "MERGE":
            host = merge(MESSAGES["VIRTUAL_HOST"], host, patch.value)
        elif patch.operation == "REPLACE":
            host = added(patch)
    routes = [patch for patch in patches.of("HTTP_ROUTE").all if _host_matches(host, patch)]
    return _with_routes(host, routes) if routes else host


def _with_routes(host: Json, patches: list[Patch]) -> Json:
    """Merge and remove first, then add, so that an added route is not patched."""
    routes = [patched for route in host.get("routes", ()) if (patched := _patched_route(route, patches)) is not None]
    for patch in patches:
        specific = _route_match(patch) is not None
        present = any(_route_matches(route, patch) for route in routes)
        if patch.operation in ("MERGE", "REMOVE", "REPLACE"):
            continue
        if patch.operation == "INSERT_FIRST" and specific and not present:
            continue
        routes = edited(routes, patch, lambda route, patch=patch: _route_matches(route, patch), specific=specific)  # type: ignore[misc]
    result = {**host, "routes": routes}
    if not routes:
        del result["routes"]
    return result


def _patched_route(route: Json, patches: list[Patch]) -> Json | None:
    for patch in patches:
        if not _route_matches(route, patch):
            continue
        if patch.operation == "REMOVE":
            return None
        if patch.operation == "MERGE":
            merged = merge(MESSAGES["HTTP_ROUTE"], route, patch.value)
            route = Sourced(merged, route.source) if isinstance(route, Sourced) else merged
    return route


def _host_matches(host: Json, patch: Patch) -> bool:
    match = (patch.route_configuration or {}).get("vhost")
    if not match:
        return True
    if match.get("name") and match["name"] != host.get("name"):
        return False
    return not match.get("domainName") or match["domainName"] in host.get("domains", ())


def _route_match(patch: Patch) -> Json | None:
    match: Json | None = ((patch.route_configuration or {}).get("vhost") or {}).get("route")
    return match


def _route_matches(route: Json, patch: Patch) -> bool:
    match = _route_match(patch)
    if match is None:
        return True
    if match.get("name") and match["name"] != route.get("name"):
        return False
    action = match.get("action") or "ANY"
    if action == "ANY":
        return True
    own = next((name for key, name in _ACTIONS.items() if key in route), None)
    return own is None or own == action
