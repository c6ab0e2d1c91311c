"""Tables of a proxy name the command that follows, on stderr, and are istioctl's own on stdout all the same."""

import shlex

import pytest

from kubectl_mesh.cli.app import run
from kubectl_mesh.diagnosis.chain import CLUSTERS, after_clusters, after_listeners
from kubectl_mesh.reports.proxy_config import ClusterRow, ListenerRow
from simulator.model.own_ports import OWN_PORTS

PROGRAM = "kubectl mesh "


def ask(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[str, list[str], list[str]]:
    """Run a command that succeeds; return stdout, the notes and the commands that follow."""
    capsys.readouterr()
    assert run(["kubectl-mesh", *words]) == 0
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    notes = [line.removeprefix("note: ") for line in lines if line.startswith("note: ")]
    return printed.out, notes, [line.partition("next: ")[2] for line in lines if line.startswith("next: ")]


@pytest.fixture(autouse=True)
def called_as_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be called as kubectl's plugin."""
    monkeypatch.setattr("sys.argv", ["kubectl-mesh"])


def test_the_chain_leads_from_a_port_to_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """From a listener by port to its routes, a cluster, its endpoints and the whole way: each names the next."""
    words = ["proxy-config", "listener", "deploy/web", "-n", "shop", "--demo", "--port", "80"]
    visited = []
    for _ in range(5):
        explained = words if words[0] == "trace" else [*words, "-v"]
        out, _, following = ask(explained, capsys)
        assert out
        visited.append(words[1] if words[0] == "proxy-config" else words[0])
        if not following:
            break
        assert following[0].startswith(PROGRAM)
        words = shlex.split(following[0].removeprefix(PROGRAM))
    assert visited == ["listener", "route", "cluster", "endpoint", "trace"]


@pytest.mark.parametrize("table", ["listener", "route", "cluster", "endpoint"])
def test_stdout_is_the_same_with_and_without(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Explanations never reach the table; without a terminal there are none unless asked for."""
    words = ["proxy-config", table, "deploy/web", "-n", "shop", "--demo"]
    plain, notes, following = ask(words, capsys)
    assert not notes
    assert not following
    explained, notes, following = ask([*words, "-v"], capsys)
    assert explained == plain
    assert notes
    assert following


def test_a_terminal_is_told_the_next_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who reads along learns what follows; the meanings only beside a short table."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    words = ["proxy-config", "listener", "deploy/web", "-n", "shop", "--demo"]
    _, notes, following = ask(words, capsys)
    assert (notes, len(following)) == ([], 1)
    _, notes, _ = ask([*words, "--port", "15006"], capsys)
    assert any(note.startswith("15006: inbound") for note in notes)


@pytest.mark.parametrize("name", sorted(CLUSTERS))
def test_istios_own_clusters_are_explained(name: str) -> None:
    """Each name that no service has is said to be what it is."""
    row = ClusterRow(name=name, host=name, port="-", subset="-", direction="-", type="STATIC", destination_rule="")
    assert [text.partition(":")[0] for text in after_clusters([row]).meanings] == [name]
    assert not after_clusters([row]).steps


@pytest.mark.parametrize("port", [15000, 15001, 15006, 15020, 15021, 15090])
def test_well_known_ports_are_explained(port: int) -> None:
    """Each port of the proxy itself is explained; a service that happens to use the number is not."""
    assert port in OWN_PORTS
    own = ListenerRow(name="own", addresses="0.0.0.0", port=port, match="ALL", destination="PassthroughCluster")
    assert after_listeners([own]).meanings[0].startswith(f"{port}: ")
    service = ListenerRow(name="of a service", addresses="10.0.0.1", port=port, destination="Route: a")
    assert not after_listeners([service]).meanings
