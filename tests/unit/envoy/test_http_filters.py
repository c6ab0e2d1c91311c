"""Filters that answer in place of the destination: CORS and injected faults."""

from typing import Any

import pytest

from simulator.envoy.config import Config
from simulator.envoy.connections import Connection
from simulator.envoy.http_routing import route_http
from simulator.model.requests import Request
from simulator.model.traces import Disposition, Verdict

CORS, FAULT = "envoy.filters.http.cors", "envoy.filters.http.fault"
KINDS = {CORS: "envoy.extensions.filters.http.cors.v3.Cors", FAULT: "envoy.extensions.filters.http.fault.v3.HTTPFault"}
POLICY = {"allow_origin_string_match": [{"exact": "http://a.test"}]}
PREFLIGHT = (("origin", "http://a.test"), ("access-control-request-method", "PUT"))
ALWAYS = {"numerator": 100}
FORWARDED: dict[str, Any] = {"route": {"cluster": "c"}}


def answer(per_route: dict[str, Any], *, action: dict[str, Any] | None = None, **sent: Any) -> Verdict:
    """Return the answer to a request on a route with filters of its own."""
    route = {"match": {"prefix": "/"}, **(action or FORWARDED), "typed_per_filter_config": per_route}
    manager = {
        "route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": name, "typed_config": {"@type": f"x/{kind}"}} for name, kind in KINDS.items()],
    }
    request = Request(host="h", port=80, **sent)
    return route_http(Config(clusters=[{"name": "c"}]), manager, Connection(request=request)).verdict


@pytest.mark.parametrize(
    ("action", "disposition"),
    [
        (FORWARDED, Disposition.CORS_ANSWERED),
        ({"direct_response": {"status": 204}}, Disposition.DIRECT_RESPONSE),
        ({"redirect": {"path_redirect": "/n"}}, Disposition.REDIRECTED),
    ],
)
def test_a_preflight_is_answered_where_the_route_leads_to_a_cluster(
    action: dict[str, Any], disposition: Disposition
) -> None:
    """Direct answers of the proxy apply to preflights, too."""
    assert answer({CORS: POLICY}, action=action, method="OPTIONS", headers=PREFLIGHT).disposition is disposition


@pytest.mark.parametrize(
    ("fault", "headers", "status"),
    [
        ({"abort": {"http_status": 418, "percentage": ALWAYS}}, (), 418),
        ({"abort": {"http_status": 418, "percentage": ALWAYS}}, (("content-type", "application/grpc"),), 200),
        ({"abort": {"http_status": 418, "percentage": ALWAYS}, "upstream_cluster": "other"}, (), None),
        ({"abort": {"http_status": 418, "percentage": ALWAYS}, "max_active_faults": 0}, (), None),
        ({"abort": {"http_status": 418, "percentage": ALWAYS}, "downstream_nodes": ["n"]}, (), None),
        ({"abort": {"header_abort": {}, "percentage": ALWAYS}}, (), None),
        ({"abort": {"header_abort": {}, "percentage": ALWAYS}}, (("x-envoy-fault-abort-request", "505"),), 505),
    ],
)
def test_an_abort_needs_all_that_it_asks_for(
    fault: dict[str, Any], headers: tuple[tuple[str, str], ...], status: int | None
) -> None:
    """Cluster, node, number of faults and the client's own wish decide whether a fault is injected."""
    verdict = answer({FAULT: fault}, headers=headers)
    aborted = verdict.disposition is Disposition.FAULT_ABORTED
    assert (verdict.status if aborted else None) == status


def test_an_abort_after_a_delay_tells_of_both() -> None:
    """The flags name both faults, and a gRPC client reads no body."""
    fault = {"delay": {"fixed_delay": "1s", "percentage": ALWAYS}, "abort": {"http_status": 503, "percentage": ALWAYS}}
    assert (answer({FAULT: fault}).flags, answer({FAULT: fault}).body) == ("DI,FI", "fault filter abort")
    assert answer({FAULT: fault}, headers=(("content-type", "application/grpc"),)).body == ""
