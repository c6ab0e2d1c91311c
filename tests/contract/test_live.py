"""The live source with clusters that refuse, answer wrongly or slowly, or belong to another mesh."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubectl_mesh.errors import ExitCode, NothingFound, SourceError
from kubectl_mesh.sources.base import Connection
from kubectl_mesh.sources.expectation import resources_of
from kubectl_mesh.sources.live import connect
from kubectl_mesh.sources.live.failures import Forbidden, Unauthorized
from kubectl_mesh.sources.live.mesh import LiveMesh
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json
from tests.contract.serving import ServedMesh

RBAC = "/apis/rbac.authorization.k8s.io/v1"


def live(served: ServedMesh, **flags: object) -> LiveMesh:
    """Return the live source with some flags."""
    return connect(Connection(kubeconfig=str(served.kubeconfig), **flags))  # type: ignore[arg-type]


def grant(served: ServedMesh, *, namespace: str, resources: list[str]) -> None:
    """Let bob read some resources of a namespace, and port-forward."""
    rules = [
        {"apiGroups": ["*"], "resources": resources, "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"]},
    ]
    path = f"{RBAC}/namespaces/{namespace}"
    assert served.request("POST", f"{path}/roles", {"metadata": {"name": "bob"}, "rules": rules})[0] == 201
    binding = {
        "metadata": {"name": "bob"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "bob"},
        "subjects": [{"kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    assert served.request("POST", f"{path}/rolebindings", binding)[0] == 201


def test_who_may_do_nothing_learns_it_at_once(cluster: ServedMesh) -> None:
    """Without rights, the answer is exit 3 with the API server's words, not a hang."""
    with pytest.raises(Forbidden, match='User "bob" cannot list') as refused:
        live(cluster, as_user="bob").proxies()
    assert refused.value.exit_code is ExitCode.CANNOT_ANSWER
    assert refused.value.hint


def test_rights_in_one_namespace_give_a_part_and_say_so(cluster: ServedMesh) -> None:
    """Where only a namespace may be listed, its proxies are answered and a caveat names the gap."""
    grant(cluster, namespace="shop", resources=["pods", "services"])
    mesh = live(cluster, as_user="bob", namespace="shop")
    proxies = mesh.proxies()
    assert {proxy.namespace for proxy in proxies} == {"shop"}
    assert [str(caveat) for caveat in mesh.caveats()] == [
        "unseen: Pod/*: may not be listed in all namespaces: only shop was seen"
    ]
    assert json.loads(mesh.envoy(proxies[0], "config_dump"))["configs"]
    assert list(mesh.resources("VirtualService")) == []
    assert len(mesh.caveats()) == 2


def test_a_partial_answer_is_exit_3(cluster: ServedMesh, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that saw only part prints it, says what is missing, and never ends as if it had seen all."""
    from kubectl_mesh.cli.app import run

    grant(cluster, namespace="istio-system", resources=["pods"])
    flags = ["--kubeconfig", str(cluster.kubeconfig), "--as", "bob", "-n", "istio-system"]
    assert run(["kubectl-mesh", "proxy-status", *flags]) == ExitCode.CANNOT_ANSWER
    printed = capsys.readouterr()
    assert "istio-ingressgateway" in printed.out
    assert "only istio-system was seen" in printed.err
    assert run(["kubectl-mesh", "proxy-status", "--kubeconfig", str(cluster.kubeconfig)]) == ExitCode.CLEAN


def test_secrets_are_never_read_and_never_listed_for_the_mesh(cluster: ServedMesh) -> None:
    """Secrets come without data; without a namespace, only those of Istio's own are read."""
    secret = {"metadata": {"name": "cert"}, "type": "kubernetes.io/tls", "data": {"tls.key": "c2VjcmV0"}}
    for namespace in ("shop", "istio-system"):
        assert cluster.request("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)[0] == 201
    mesh = live(cluster)
    (found,) = mesh.resources("Secret", "shop")
    assert (found["kind"], found["metadata"]["name"], "data" in found) == ("Secret", "cert", False)
    assert {each["metadata"]["namespace"] for each in mesh.resources("Secret")} == {"istio-system"}
    assert {each["metadata"]["namespace"] for each in mesh.resources("ConfigMap")} == {"istio-system"}


def test_what_a_user_changes_is_what_proxies_get(cluster: ServedMesh) -> None:
    """A VirtualService applied through the API is in the next config dump of the proxies it concerns."""
    mesh = live(cluster)
    proxy = mesh.proxies()[0]
    assert b"/apis/networking.istio.io/v1/namespaces/shop/virtual-service/web" not in mesh.envoy(proxy, "config_dump")
    rule = {"hosts": ["web"], "http": [{"timeout": "7s", "route": [{"destination": {"host": "web"}}]}]}
    path = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices"
    assert cluster.request("POST", path, {"metadata": {"name": "web"}, "spec": rule})[0] == 201
    sidecar = next(each for each in mesh.proxies() if each.namespace == "shop")
    assert b"/apis/networking.istio.io/v1/namespaces/shop/virtual-service/web" in mesh.envoy(sidecar, "config_dump")


def test_log_levels_are_changed_and_kept(cluster: ServedMesh) -> None:
    """A POST reaches the proxy, and its effect is there for the next request."""
    mesh = live(cluster)
    proxy = mesh.proxies()[0]
    assert b"  http: debug\n" in mesh.envoy_post(proxy, "logging?http=debug")
    assert b"  http: debug\n" in mesh.envoy_post(proxy, "logging")


def test_proxies_of_another_version_are_named(cluster: ServedMesh) -> None:
    """The simulator speaks 1.30: what runs another Istio is said."""
    mesh = live(cluster)
    pod = mesh.proxies()[0]
    path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
    document = cluster.request("GET", path)[1]
    for container in (*document["spec"]["containers"], *document["spec"].get("initContainers", ())):
        if container["name"] == "istio-proxy":
            container["image"] = "registry.istio.io/release/proxyv2:1.29.2-distroless"
    assert cluster.request("PUT", path, document)[0] == 200
    fresh = live(cluster)
    fresh.proxies()
    assert [caveat.message for caveat in fresh.caveats()] == ["1 proxy is of Istio 1.29.2, rules of 1.30 are applied"]


def test_an_istiod_of_another_revision_is_not_asked(cluster: ServedMesh) -> None:
    """`--revision` chooses among istiods; a revision that does not exist is an error that names it."""
    assert len(live(cluster, revision="default").istiod("version")) == 1
    with pytest.raises(SourceError, match="no running istiod of revision canary"):
        live(cluster, revision="canary").istiod("version")


def test_an_istiod_that_does_not_answer_is_a_caveat(cluster: ServedMesh) -> None:
    """One of two replicas answers: the answer is partial, and says who is missing."""
    pods = cluster.request("GET", "/api/v1/namespaces/istio-system/pods?labelSelector=app=istiod")[1]["items"]
    (istiod,) = pods
    silent = {
        "metadata": {"name": "istiod-silent", "labels": istiod["metadata"]["labels"],
                     "annotations": {"prometheus.io/port": "19999"}},
        "spec": istiod["spec"],
        "status": {"phase": "Running"},
    }  # fmt: skip
    assert cluster.request("POST", "/api/v1/namespaces/istio-system/pods", silent)[0] == 201
    mesh = live(cluster)
    assert list(mesh.istiod("version")) == [istiod["metadata"]["name"]]
    (caveat,) = mesh.caveats()
    assert caveat.ref.name == "istiod-silent"
    assert "19999" in caveat.message


@pytest.mark.parametrize(
    ("flags", "error", "words"),
    [
        ({"token": "wrong"}, Unauthorized, "Unauthorized"),
        ({"certificate_authority": __file__}, SourceError, "."),
        ({"server": "https://127.0.0.1:1"}, SourceError, "connection refused"),
        ({"server": "https://no-such-host.invalid"}, SourceError, "no such host"),
        ({"tls_server_name": "wrong.example"}, SourceError, "certificate"),
    ],
)
def test_what_keeps_a_cluster_from_answering_is_said(
    example: ServedMesh, flags: dict[str, str], error: type[Exception], words: str
) -> None:
    """Every way of not reaching a cluster is a SourceError with a next step."""
    with pytest.raises(error, match=words) as failure:
        live(example, **flags).proxies()
    assert getattr(failure.value, "hint", "")


def test_certificates_need_not_be_checked(example: ServedMesh) -> None:
    """`--insecure-skip-tls-verify` reaches a server that nothing vouches for, port-forward included."""
    mesh = live(example, insecure_skip_tls_verify=True, request_timeout="30s")
    assert mesh.istiod("version")


@contextmanager
def silence() -> Iterator[int]:
    """Listen and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_deadline_ends_what_does_not_answer(example: ServedMesh, tmp_path: Path) -> None:
    """An API server that accepts connections but does not answer delays a command by the time limit at most."""
    with silence() as port:
        start = time.monotonic()
        for ask in (lambda mesh: mesh.proxies(), lambda mesh: mesh.envoy(ProxyId("a", "b"), "ready")):
            with pytest.raises(SourceError, match="no answer in time"):
                ask(live(example, server=f"http://127.0.0.1:{port}", request_timeout="300ms"))
        assert time.monotonic() - start < 5


def test_kinds_are_listed_at_once(example: ServedMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds got ready together are listed once each, by several threads; refusals are left to who asks for the kind."""
    asked: list[tuple[str, str]] = []
    mesh = live(example)
    own = LiveMesh._list

    def listing(self: LiveMesh, kind: str, namespace: str | None) -> Sequence[Json]:
        asked.append((kind, threading.current_thread().name))
        return own(self, kind, namespace)

    monkeypatch.setattr(LiveMesh, "_list", listing)
    kinds = ("Pod", "Service", "Namespace", "KubernetesGateway", "VirtualService", "Unheard")
    mesh.prefetch([*kinds, "Pod"])
    assert {kind for kind, _ in asked} == set(kinds)
    assert "MainThread" not in {name for _, name in asked}
    assert mesh.resources("Pod")
    assert len(asked) == len(kinds)
    live(example, as_user="bob").prefetch(kinds)


def test_directory_of_a_live_mesh_sees_gateways_of_both_groups(cluster: ServedMesh) -> None:
    """Istio's Gateways and Gateway API's are both among what istiod would look at."""
    path = "/namespaces/shop/gateways"
    listener = {"name": "web", "port": 80, "protocol": "HTTP"}
    spec = {"gatewayClassName": "istio", "listeners": [listener]}
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    for group, found in (("networking.istio.io", {"servers": [server]}), ("gateway.networking.k8s.io", spec)):
        body = {"metadata": {"name": "edge"}, "spec": found}
        assert cluster.request("POST", f"/apis/{group}/v1{path}", body)[0] == 201
    gateways = {resource.group for resource in resources_of(live(cluster)) if resource.kind == "Gateway"}
    assert gateways == {"networking.istio.io", "gateway.networking.k8s.io"}


def test_proxies_are_asked_at_once(example: ServedMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers got ready together come from several threads, are given once, and fail for who asks."""
    asked: list[tuple[ProxyId, str]] = []
    mesh = live(example)
    own = LiveMesh._admin

    def asking(self: LiveMesh, proxy: ProxyId, path: str, method: str) -> bytes:
        asked.append((proxy, threading.current_thread().name))
        return own(self, proxy, path, method)

    monkeypatch.setattr(LiveMesh, "_admin", asking)
    proxies = [*mesh.proxies()[:4], ProxyId("nobody", "shop")]
    mesh.prefetch_envoy(proxies, ["ready"])
    assert {proxy for proxy, _ in asked} == set(proxies)
    assert "MainThread" not in {name for _, name in asked}
    assert [mesh.envoy(proxy, "ready") for proxy in proxies[:4]] == [b"LIVE\n"] * 4
    assert len(asked) == 5
    assert mesh.envoy(proxies[0], "ready") == b"LIVE\n"
    assert len(asked) == 6
    with pytest.raises(NothingFound):
        mesh.envoy(proxies[-1], "ready")
