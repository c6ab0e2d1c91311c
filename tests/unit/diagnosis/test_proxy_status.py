"""Nonces read into sync states."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from kubectl_mesh.diagnosis.proxy_status import human_duration, read, response
from kubectl_mesh.errors import InputError
from kubectl_mesh.reports.proxy_status import SyncState

CDS = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def state_of(status: dict[str, str]) -> tuple[SyncState, str, str]:
    """Return the state, age and rejection that one type's nonces give."""
    answer = json.dumps([{"proxy": "web-1.shop", "resources": {CDS: status}}]).encode()
    (row,) = read({"istiod-1": response(answer, istiod="istiod-1")}, now=NOW).proxies
    found = row.types[CDS]
    return found.state, found.age, found.rejection


def test_states() -> None:
    """Never sent, acknowledged, waiting and rejected are distinguished as by istiod."""
    sent = (NOW - timedelta(minutes=5)).isoformat()
    assert state_of({}) == (SyncState.NOT_SENT, "", "")
    assert state_of({"sent": "a", "acked": "a", "sentTime": sent}) == (SyncState.SYNCED, "5m", "")
    assert state_of({"sent": "b", "acked": "a", "sentTime": "0001-01-01T00:00:00Z"}) == (SyncState.STALE, "", "")
    assert state_of({"sent": "b", "lastError": "no"}) == (SyncState.ERROR, "", "no")


def test_what_every_proxy_gets_and_this_one_did_not() -> None:
    """A proxy that was sent no clusters is not in sync; one that was sent no routes may have none."""
    routes = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
    answer = json.dumps([{"proxy": "a.shop", "resources": {CDS: {}}}, {"proxy": "b.shop", "resources": {routes: {}}}])
    without, with_none = read({"i": response(answer.encode(), istiod="i")}, now=NOW).proxies
    assert not without.in_sync
    assert with_none.in_sync


def test_only_one_namespace() -> None:
    """-n keeps the proxies of a namespace, known by the last dot of their names."""
    answer = json.dumps([{"proxy": "a.b.shop"}, {"proxy": "c.other"}]).encode()
    found = read({"i": response(answer, istiod="i")}, namespace="shop", now=NOW)
    assert [row.proxy for row in found.proxies] == ["a.b.shop"]


def test_an_answer_that_is_no_list_is_refused() -> None:
    """A page of another kind is not read as an empty mesh."""
    with pytest.raises(InputError):
        response(b'"hello"', istiod="i")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (3599, "59m"), (10_800, "3h"), (11_000, "3h3m"),
     (-5, "<invalid>"),
     (28_800, "8h"), (172_800, "2d"), (180_000, "2d2h"), (86_400 * 30, "30d"), (86_400 * 800, "2y70d")],
)  # fmt: skip
def test_durations_as_kubectl_writes_them(seconds: int, text: str) -> None:
    """Two units while both matter, then one."""
    assert human_duration(seconds) == text
