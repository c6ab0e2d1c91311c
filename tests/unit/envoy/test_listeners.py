"""Which listener takes a connection, and what its inspectors find."""

from typing import Any

import pytest

from simulator.envoy.config import Config
from simulator.envoy.listener_filters import inspect
from simulator.envoy.listener_match import match_listener
from simulator.model.proxies import Direction
from simulator.model.requests import Request, Tls, Wire


def listener(name: str, address: str, port: int, **more: Any) -> dict[str, Any]:
    """Return a listener at an address."""
    return {"name": name, "address": {"socket_address": {"address": address, "port_value": port}}, **more}


CONFIG = Config(
    listeners=[
        listener("out", "0.0.0.0", 15001, use_original_dst=True),
        listener(
            "in", "0.0.0.0", 15006, traffic_direction="INBOUND",
            listener_filters=[{"name": "envoy.filters.listener.original_dst"}],
        ),
        listener("vip", "10.0.0.1", 80, bind_to_port=False),
        listener("any", "0.0.0.0", 80, bind_to_port=False),
        listener("bound", "0.0.0.0", 8080),
    ]
)  # fmt: skip


def name(request: Request, direction: Direction, *, captured: bool | None = None) -> str | None:
    """Return the name of the chosen listener."""
    found = match_listener(CONFIG, request, direction, captured=captured).listener
    return found["name"] if found is not None else None


def test_outbound_connections_are_handed_to_the_closest_listener() -> None:
    """The listener of the very address comes first, then that of the port, then the one that took the connection."""
    outbound = Direction.OUTBOUND
    assert name(Request(destination_ip="10.0.0.1", port=80), outbound) == "vip"
    assert name(Request(destination_ip="10.0.0.2", port=80), outbound) == "any"
    assert name(Request(destination_ip="10.0.0.2", port=81), outbound) == "out"


def test_inbound_connections_stay_where_they_arrive() -> None:
    """The inbound listener takes whatever port was dialled."""
    assert name(Request(destination_ip="10.0.0.1", port=80), Direction.INBOUND) == "in"


def test_connections_that_are_not_redirected_need_a_bound_listener() -> None:
    """Without redirection only bound listeners count."""
    assert name(Request(destination_ip="10.0.0.1", port=80), Direction.OUTBOUND, captured=False) is None
    assert name(Request(destination_ip="10.0.0.1", port=8080), Direction.OUTBOUND, captured=False) == "bound"


INSPECTING: dict[str, Any] = {
    "listener_filters": [
        {"name": "envoy.filters.listener.tls_inspector",
         "filter_disabled": {"destination_port_range": {"start": 90, "end": 91}}},
        {"name": "envoy.filters.listener.http_inspector"},
    ],
    "listener_filters_timeout": "0s",
}  # fmt: skip


def test_inspectors_tell_protocols() -> None:
    """TLS gives server name and offered protocols, plain HTTP its version."""
    tls = inspect(INSPECTING, Request(tls=Tls.SIMPLE, sni="A.test", alpn=("h2",))).connection
    assert (tls.transport_protocol, tls.server_name, tls.application_protocols) == ("tls", "a.test", ("h2",))
    plain = inspect(INSPECTING, Request(wire=Wire.HTTP2)).connection
    assert (plain.transport_protocol, plain.application_protocols) == ("raw_buffer", ("h2c",))


@pytest.mark.parametrize(
    ("method", "target", "protocols"),
    [
        ("BREW", "/", ("http/1.1",)),
        ("GET", "*", ("http/1.1",)),
        ("CONNECT", "h", ("http/1.1",)),
        ("GET", "ws://h/", ("http/1.1",)),
        ("GET", "x", ()),
        ("GET", "/a b", ()),
    ],
)
def test_a_first_line_without_a_target_is_no_http(method: str, target: str, protocols: tuple[str, ...]) -> None:
    """Any method will do for the inspector, but what stands in the place of the target has to be one."""
    found = inspect(INSPECTING, Request(method=method, target=target)).connection
    assert found.application_protocols == protocols


def test_a_disabled_inspector_sees_nothing() -> None:
    """TLS to a port on which the TLS inspector is disabled looks like plain bytes."""
    assert inspect(INSPECTING, Request(tls=Tls.SIMPLE, port=90)).connection.transport_protocol == "raw_buffer"


def test_a_silent_client_is_waited_for() -> None:
    """With a timeout of 0 the proxy waits for ever; with one that may run out it goes on."""
    assert inspect(INSPECTING, Request(wire=Wire.SILENT)).waits
    patient = INSPECTING | {"listener_filters_timeout": "3s", "continue_on_listener_filters_timeout": True}
    assert not inspect(patient, Request(wire=Wire.SILENT)).waits
    assert not inspect({}, Request(wire=Wire.SILENT)).waits
