"""Completions from the mesh that the command line names so far."""

from pathlib import Path

import pytest

from kubectl_mesh.cli.completion import FILES, NO_FILES, complete
from tests.unit.cli.test_waypoint import WAYPOINT
from tests.unit.diagnosis.ambient import AMBIENT


def offered(*words: str) -> list[str]:
    """Return the candidates for the last word, without their meanings."""
    *found, directive = complete(["--demo", *words])
    assert directive in (NO_FILES, FILES)
    return [line.partition("\t")[0] for line in found]


@pytest.mark.parametrize(
    ("words", "candidate"),
    [
        (("proxy-con",), "proxy-config"),
        (("proxy-config", "cl"), "cluster"),
        (("proxy-config", "cluster", "--f"), "--fqdn"),
        (("proxy-config", "cluster", "deploy/w"), "deploy/web.shop"),
        (("-n", "shop", "proxy-config", "cluster", "deploy/w"), "deploy/web"),
        (("pc", "route", "web", "--name", ""), "80"),
        (("pc", "cluster", "web", "--fqdn", "cart"), "cart.shop.svc.cluster.local"),
        (("pc", "endpoint", "web", "--cluster", "outbound|80||cart"), "outbound|80||cart.shop.svc.cluster.local"),
        (("pc", "cluster", "web", "--direction", "in"), "inbound"),
        (("describe", "service", "cat"), "catalog.shop"),
        (("connect", "ledger"), "ledger-0.payments"),
        (("dashboard", "envoy", "ledger"), "ledger-0.payments"),
        (("check-inject", "stock"), "stock-"),
        (("admin", "log", "istiod"), "istiod-"),
        (("proxy-status", "--config", "virtualservice/cat"), "virtualservice/catalog.shop"),
        (("proxy-status", "-o", ""), "json"),
        (("simulate", "fault", "add", "rej"), "rejected"),
        (("simulate", "fault", "add", "stale", "web"), "web-"),
        (("simulate", "fault", "add", "stale", "--type", "C"), "CDS"),
        (("trace", "deploy/web.shop", "http://cart"), "http://cart.shop:80/"),
        (("-n", "pay"), "payments"),
        (("mtls", "--from", "sts/led"), "sts/ledger.payments"),
        (("authz", "can", "--to", "svc/cat"), "svc/catalog.shop"),
        (("diff", "--delete", "virtualservice/shop/cat"), "virtualservice/shop/catalog"),
        (("analyze", "-o", "sar"), "sarif"),
        (("analyze", "--failure-threshold", "Warn"), "Warning"),
        (("proxy-status", "--only", ""), "unsynced"),
    ],
)
def test_offers(words: tuple[str, ...], candidate: str) -> None:
    """Commands, flags, values and names are offered where they fit."""
    assert any(each.startswith(candidate) for each in offered(*words))


@pytest.mark.parametrize(
    "words", ["test", "test a", "diff", "diff --apply", "trace -f", "bundle", "analyze --baseline"]
)
def test_files_are_left_to_the_shell(words: str) -> None:
    """Where a file or a directory is typed, the shell completes it."""
    assert list(complete([*words.split(), ""])) == [FILES]


def test_contexts_of_the_kubeconfig_are_offered(tmp_path: Path) -> None:
    """`--context` offers the contexts of the kubeconfig that the command line names."""
    path = tmp_path / "config"
    path.write_text("contexts: [{name: prod, context: {cluster: c}}]")
    assert list(complete(["proxy-status", "--kubeconfig", str(path), "--context", ""])) == ["prod", NO_FILES]


def test_ambient_names(tmp_path: Path) -> None:
    """ztunnels and waypoints are offered to the commands that take them."""
    manifests = tmp_path / "mesh.yaml"
    manifests.write_text(AMBIENT + WAYPOINT)
    source = ["-f", str(manifests)]
    assert any(line.startswith("ztunnel-") for line in complete([*source, "zc", "workload", ""]))
    assert "waypoint\twaypoint" in list(complete([*source, "-n", "shop", "waypoint", "delete", ""]))


def test_nothing_is_offered_after_the_last_argument() -> None:
    """After the last argument nothing is offered."""
    assert offered("connect", "web", "") == []
