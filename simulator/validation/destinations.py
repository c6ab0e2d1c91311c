"""Rules of the destinations and gateways of routes. istio: pkg/config/validation/validation.go."""

from collections.abc import Sequence

from simulator.model.go_text import quote
from simulator.model.wire import Json
from simulator.validation import headers, names
from simulator.validation.destination_rule import subset_name
from simulator.validation.problems import Problems, at, error, warning


def destination(given: Json | None) -> Problems:
    """Check a destination."""
    if given is None:
        return
    host = given.get("host") or ""
    if host == names.ANY:
        yield error(f"invalid destination host {host}", "host")
    else:
        yield from at(("host",), names.domain(host))
    if given.get("subset"):
        yield from at(("subset",), subset_name(given["subset"]))
    if given.get("port") is not None:
        yield from at(("port",), names.port(given["port"].get("number") or 0))


def http_destinations(routes: Sequence[Json], *, from_gateway_api: bool) -> Problems:
    """Check the weighted destinations of an HTTP route."""
    yield from _weighted(routes, from_gateway_api=from_gateway_api, with_headers=True)


def tcp_destinations(routes: Sequence[Json], *, from_gateway_api: bool) -> Problems:
    """Check the weighted destinations of a TCP or TLS route."""
    yield from _weighted(routes, from_gateway_api=from_gateway_api, with_headers=False)


def _weighted(routes: Sequence[Json], *, from_gateway_api: bool, with_headers: bool) -> Problems:
    total = 0
    for number, route in enumerate(routes):
        path = ("route", number)
        if route.get("destination") is None:
            yield error("destination is required", *path)
        if with_headers:
            yield from at(path, headers.operations(route.get("headers")))
        if not from_gateway_api:
            yield from at((*path, "destination"), destination(route.get("destination")))
        weight = route.get("weight") or 0
        if weight < 0:
            yield error(f"weight {weight} < 0", *path, "weight")
        total += weight
    if len(routes) > 1 and total == 0:
        yield error("total destination weight = 0", "route")


def gateway_names(given: Sequence[str], *, from_gateway_api: bool = False) -> Problems:
    """Check the gateways of a route; as in Istio, the first name without a namespace ends the checks."""
    for number, gateway in enumerate(given):
        namespace, slash, name = gateway.partition("/")
        if not slash:
            if "." in gateway:
                first, second, *_ = gateway.split(".")
                yield warning(
                    f"using legacy gatewayName format {quote(gateway)}; prefer the <namespace>/<name> format: "
                    f"{quote(f'{second}/{first}')}",
                    number,
                )
            yield from at((number,), names.domain(gateway, wildcard=False))
            return
        if not namespace or not name:
            yield error("config namespace and gateway name cannot be empty", number)
        if not names.is_label(namespace):
            yield error(f"invalid value for namespace: {quote(namespace)}", number)
        if not names.is_label(name) and not from_gateway_api:
            yield error(f"invalid value for gateway name: {quote(name)}", number)
