from pathlib import Path

import pytest

from kubectl_mesh.errors import InputError, MeshError, SourceError, UsageError
from kubectl_mesh.sources.base import Connection
from kubectl_mesh.sources.live import kubeconfig
from kubectl_mesh.sources.live.credentials import configure
from kubectl_mesh.sources.live.timeouts import DEFAULT_SECONDS, seconds
from simulator.model.wire import Json

FIRST = """
clusters:
- {name: one, cluster: {server: "https://one:6443", certificate-authority: ca/one.crt}}
users:
- {name: ann, user: {token: first}}
contexts:
- {name: main, context: {cluster: one, user: ann, namespace: shop}}
"""
SECOND = """
current-context: main
clusters:
- {name: one, cluster: {server: "https://other:6443"}}
- {name: two, cluster: {server: "http://two:8080"}}
users:
- {name: bot, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, interactiveMode: Never}}}
contexts:
- {name: second, context: {cluster: two, user: bot}}
"""
THIRD = "current-context: second\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder with three kubeconfig files."""
    for name, text in (("a", FIRST), ("b", SECOND), ("c", THIRD)):
        (tmp_path / name).write_text(text)
    return tmp_path


def loaded(home: Path, *names: str) -> Json:
    """Return the merge of some files of the folder."""
    return kubeconfig.load([home / name for name in names], required=False)


def test_the_first_file_to_name_something_wins(home: Path) -> None:
    """Entries and the current context come from the first file that has them; missing files are passed over."""
    document = loaded(home, "a", "missing", "b", "c")
    assert document["current-context"] == "main"
    cluster, user, namespace = kubeconfig.chosen(document, Connection())
    assert (cluster["server"], user["token"], namespace) == ("https://one:6443", "first", "shop")


def test_paths_are_relative_to_their_file(home: Path) -> None:
    """Certificates and plugins are found from wherever the program runs."""
    document = loaded(home, "a", "b")
    assert document["clusters"][0]["cluster"]["certificate-authority"] == str(home / "ca" / "one.crt")
    assert document["users"][1]["user"]["exec"]["command"] == str(home / "login")


def test_flags_lie_over_the_context(home: Path) -> None:
    """kubectl's global flags replace what the kubeconfig says, credentials as a whole."""
    document = loaded(home, "a", "b")
    connection = Connection(
        context="second", cluster="one", token="given", namespace="ops", insecure_skip_tls_verify=True, as_user="bob"
    )
    cluster, user, namespace = kubeconfig.chosen(document, connection)
    assert cluster == {"server": "https://one:6443", "insecure-skip-tls-verify": True}
    assert (user["token"], user["as"], "exec" in user, namespace) == ("given", "bob", False, "ops")


@pytest.mark.parametrize(
    "connection",
    [Connection(context="nope"), Connection(cluster="nope"), Connection(user="nope"), Connection(as_groups=("x",))],
)
def test_flags_that_name_nothing_are_wrong_usage(home: Path, connection: Connection) -> None:
    """An unknown context, cluster or user is exit 2 and says what to look at."""
    with pytest.raises(UsageError) as wrong:
        kubeconfig.chosen(loaded(home, "a", "b"), connection)
    assert wrong.value.hint


def test_kubeconfig_lists_come_from_flag_then_environment_then_home(tmp_path: Path) -> None:
    """`--kubeconfig` must be there; `KUBECONFIG` is a list; else it is in the home folder."""
    environment = {"HOME": str(tmp_path), "KUBECONFIG": f"{tmp_path / 'a'}:{tmp_path / 'b'}"}
    assert kubeconfig.files(Connection(kubeconfig="/x"), environment) == ((Path("/x"),), True)
    assert kubeconfig.files(Connection(), environment) == ([tmp_path / "a", tmp_path / "b"], False)
    paths, required = kubeconfig.files(Connection(), {"HOME": str(tmp_path)})
    assert (tuple(paths), required) == ((tmp_path / ".kube" / "config",), False)


@pytest.mark.parametrize("text", ["[", "- a", "\x00"])
def test_a_kubeconfig_that_cannot_be_read_is_an_input_error(tmp_path: Path, text: str) -> None:
    """The error names the file."""
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(InputError, match="config"):
        kubeconfig.load([path], required=True)


def test_without_any_cluster_the_hint_shows_other_ways(tmp_path: Path) -> None:
    """No kubeconfig and no pod: the error names -f and --demo."""
    with pytest.raises(InputError) as missing:
        configure(Connection(), {"HOME": str(tmp_path)})
    assert "--demo" in missing.value.hint


def test_credentials_come_from_exec_plugins(home: Path) -> None:
    """A plugin's token is sent; a plugin that fails is an error that names it."""
    plugin = home / "login"
    status = '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"from-plugin"}}'
    plugin.write_text(f"#!/bin/sh\necho '{status}'\n")
    plugin.chmod(0o755)
    environment = {"KUBECONFIG": f"{home / 'a'}:{home / 'b'}"}
    access = configure(Connection(context="second"), environment)
    assert access.headers() == {"authorization": "Bearer from-plugin"}
    plugin.write_text("#!/bin/sh\necho no such profile >&2\nexit 3\n")
    with pytest.raises(SourceError, match="login"):
        configure(Connection(context="second"), environment)


def test_impersonation_becomes_headers(home: Path) -> None:
    """`--as`, `--as-uid` and every `--as-group` are sent."""
    environment = {"KUBECONFIG": str(home / "b")}
    connection = Connection(server="http://x", token="t", as_user="bob", as_uid="7", as_groups=("a", "b"))
    assert configure(connection, environment).impersonation == (
        ("Impersonate-User", "bob"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("", DEFAULT_SECONDS), ("0", None), ("0s", None), ("7", 7.0), ("1m30s", 90.0), ("250ms", 0.25), ("1.5h", 5400.0)],
)
def test_time_limits_are_seconds_or_go_durations(text: str, value: float | None) -> None:
    """`--request-timeout` takes what kubectl's takes."""
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["soon", "-1", "5 s", "1x", "s"])
def test_unreadable_time_limits_are_wrong_usage(text: str) -> None:
    """Anything else is exit 2."""
    with pytest.raises(MeshError, match="not a duration"):
        seconds(text)
