"""Waypoints: which chain takes a connection, and where destinations lead."""

from typing import Any

import pytest

from simulator.model.ports import Port, Protocol
from simulator.model.resources import ObjectRef
from simulator.model.services import Registry, Resolution, Service
from simulator.xds.filter_chain_options import plain_http
from simulator.xds.waypoint_matcher import (
    Sorting,
    by_address,
    by_port,
    by_protocol,
    listener_filters,
    port_protocols,
    to_chain,
)
from simulator.xds.waypoint_routes import waypoint_cluster


def service(name: str, *ports: tuple[int, Protocol]) -> Service:
    """Return a service with ports."""
    return Service(
        host=f"{name}.shop.svc.cluster.local",
        name=name,
        namespace="shop",
        registry=Registry.KUBERNETES,
        source=ObjectRef(kind="Service", namespace="shop", name=name),
        ports=tuple(Port(name=f"p-{number}", number=number, protocol=protocol) for number, protocol in ports),
        resolution=Resolution.CLIENT_SIDE_LB,
    )


WEB = service("web", (80, Protocol.HTTP), (9000, Protocol.TCP))


@pytest.mark.parametrize(
    ("destination", "known", "served", "cluster"),
    [
        ({"host": "web"}, WEB, True, "inbound-vip|80|http|web"),
        ({"host": "web", "subset": "v1"}, WEB, True, "inbound-vip|80|http/v1|web"),
        ({"host": "web", "port": {"number": 9000}}, WEB, True, "inbound-vip|9000|tcp|web"),
        ({"host": "web", "subset": "v1"}, WEB, False, "outbound|80|v1|web"),
        ({"host": "web"}, None, False, "inbound-vip|80|http|web"),
        ({}, None, False, "UnknownService"),
    ],
)
def test_destinations_lead_to_clusters_of_the_waypoint_or_of_the_mesh(
    destination: dict[str, Any], known: Service | None, served: bool, cluster: str
) -> None:
    """A service that the waypoint serves has a cluster per protocol there; any other is reached as from elsewhere."""
    attached = frozenset({WEB.host} if served else ())
    assert waypoint_cluster(destination, known, port=80, served=attached) == cluster


def test_address_then_port_then_protocol_choose_the_chain() -> None:
    """A connection is matched by address, by port within it, and by protocol where the port does not say."""
    chosen = by_port({80: to_chain("web"), 7000: by_protocol("h", "t", alpn=plain_http(http10=False))})
    matcher = by_address([(["10.0.0.1", "fd00::1"], chosen)])
    [entry] = matcher["matcher_tree"]["custom_match"]["typed_config"]["range_matchers"]
    assert [found["prefix_len"] for found in entry["ranges"]] == [32, 128]
    ports = entry["on_match"]["matcher"]["matcher_tree"]["exact_match_map"]["map"]
    assert ports["80"]["action"]["name"] == "web"
    sniffed = ports["7000"]["matcher"]
    assert sorted(sniffed["matcher_tree"]["exact_match_map"]["map"]) == ["'h2c'", "'http/1.1'"]
    assert sniffed["on_no_match"]["action"]["name"] == "t"


def test_http_is_looked_for_where_services_disagree() -> None:
    """A port that is HTTP for one service and TCP for another is inspected; declared ports are not."""
    other = service("other", (80, Protocol.TCP), (443, Protocol.TLS))
    services = [WEB, other]
    ports = port_protocols(services, {item: item.ports for item in services})
    assert ports == {80: Protocol.AUTO, 9000: Protocol.TCP, 443: Protocol.TLS}
    original, http, tls = listener_filters(services, ports, workloads=False)
    assert original["name"].endswith("original_dst")
    starts = [rule["destination_port_range"]["start"] for rule in http["filter_disabled"]["or_match"]["rules"]]
    assert starts == [443, 9000]
    starts = [rule["destination_port_range"]["start"] for rule in tls["filter_disabled"]["or_match"]["rules"]]
    assert starts == [80, 9000]


def test_ports_of_workloads_are_always_inspected() -> None:
    """A waypoint of workloads looks for HTTP on every port, since it does not know them."""
    ports = port_protocols([WEB], {WEB: WEB.ports})
    assert "filter_disabled" not in listener_filters([WEB], ports, workloads=True)[1]


def test_names_come_before_addresses_where_networks_may_share_addresses() -> None:
    """By host, the tunnel's authority chooses first; a service without addresses is not served under its name."""
    sorting = Sorting()
    sorting.take("web", {80: to_chain("web")}, addresses=["10.0.0.1"])
    sorting.take("bare", {80: to_chain("bare")}, addresses=[])
    addresses = sorting.matcher(by_host=False)
    matcher = sorting.matcher(by_host=True)
    assert matcher["matcher_tree"]["exact_match_map"]["map"] == {"web:80": to_chain("web")}
    assert matcher["on_no_match"] == {"matcher": addresses}
    assert Sorting().matcher(by_host=True) == Sorting().matcher(by_host=False)
