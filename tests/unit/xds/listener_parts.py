"""Finding parts of listeners in tests."""

from typing import Any

from simulator.mesh import Mesh
from simulator.model.proxies import ProxyId
from tests.unit.xds.shop import CLIENT

Json = dict[str, Any]
HTTP = "envoy.filters.network.http_connection_manager"


def listeners(made: Mesh, proxy: ProxyId = CLIENT) -> dict[str, Any]:
    """Return the listeners of a proxy by name."""
    return {listener["name"]: listener for listener in made.generated(proxy).listeners}


def filter_names(chain: Json) -> list[str]:
    """Return the last word of each network filter's name."""
    return [item["name"].rpartition(".")[2] for item in chain["filters"]]


def manager(chain: Json) -> Json:
    """Return the HTTP connection manager of a filter chain."""
    return next(item["typed_config"] for item in chain["filters"] if item["name"] == HTTP)


def tcp_proxy(chain: Json) -> Json:
    """Return the TCP proxy of a filter chain."""
    found: Json = chain["filters"][-1]["typed_config"]
    return found


def http_filters(chain: Json) -> dict[str, Json]:
    """Return the configuration of each HTTP filter by the last word of its name, in order."""
    return {item["name"].rpartition(".")[2]: item.get("typed_config", {}) for item in manager(chain)["http_filters"]}


def inbound_chains(made: Mesh, port: int | None, proxy: ProxyId = CLIENT) -> list[Json]:
    """Return the chains of `virtualInbound` that match a destination port; None for those that match any."""
    chains = listeners(made, proxy)["virtualInbound"]["filter_chains"]
    return [chain for chain in chains if chain["filter_chain_match"].get("destination_port") == port]
