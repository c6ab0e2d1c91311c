"""The real kubectl, and istioctl where `$ISTIOCTL` names it, against a served example mesh.

Both are programs that nobody here wrote: what they accept is what a cluster would answer.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.contract.serving import ServedMesh, serving

KUBECTL = shutil.which("kubectl") or ""
OLDEST = 26


def _version_of_kubectl() -> str:
    """Return why kubectl cannot be used; empty when it can."""
    if not KUBECTL:
        return "kubectl is not on PATH"
    done = subprocess.run([KUBECTL, "version", "--client", "-o", "json"], capture_output=True, text=True, timeout=30)
    try:
        minor = json.loads(done.stdout)["clientVersion"]["minor"].rstrip("+")
    except (ValueError, KeyError):
        return "what is called kubectl is not Kubernetes' kubectl"
    return "" if int(minor) >= OLDEST else f"kubectl 1.{minor} is older than 1.{OLDEST}"


PROBLEM = _version_of_kubectl()
needs_kubectl = pytest.mark.skipif(bool(PROBLEM), reason=PROBLEM or "kubectl is there")
needs_istioctl = pytest.mark.skipif(not os.environ.get("ISTIOCTL"), reason="$ISTIOCTL names no istioctl")


class Shell:
    """Runs programs against one served mesh."""

    def __init__(self, served: ServedMesh, home: Path) -> None:
        self.served = served
        self.environment = {"KUBECONFIG": str(served.kubeconfig), "HOME": str(home), "PATH": os.environ["PATH"]}

    def run(self, *words: str, stdin: str = "", code: int = 0, **environment: str) -> str:
        """Run a program and return what it printed; it must end with `code`."""
        done = subprocess.run(
            words,
            env=self.environment | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + (done.stderr if code else "")

    def kubectl(self, *words: str, stdin: str = "", code: int = 0, **environment: str) -> str:
        """Run kubectl."""
        return self.run(KUBECTL, *words, stdin=stdin, code=code, **environment)

    def istioctl(self, *words: str, code: int = 0) -> str:
        """Run istioctl."""
        return self.run(os.environ["ISTIOCTL"], *words, code=code)

    def pod(self, labels: str, namespace: str = "shop") -> str:
        """Return the name of a pod."""
        return self.kubectl("get", "pod", "-n", namespace, "-l", labels, "-o", "jsonpath={.items[0].metadata.name}")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Serve the example mesh to programs."""
    folder = tmp_path_factory.mktemp("kubectl")
    with serving(folder=folder, example=True) as served:
        yield Shell(served, folder)


def rows(text: str) -> list[list[str]]:
    """Return the words of each line except the heading."""
    return [line.split() for line in text.splitlines()[1:]]


def wait_for(test: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until a test holds."""
    deadline = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < deadline, "did not come about"
        time.sleep(0.1)


@needs_kubectl
def test_get_prints_tables_as_a_cluster_has_them(shell: Shell) -> None:
    """`kubectl get` shows built-in and Istio kinds with their columns, by short name, label and all namespaces."""
    pods = rows(shell.kubectl("get", "pods", "-A"))
    assert {"istio-system", "shop", "payments", "warehouse"} <= {row[0] for row in pods}
    assert all(row[3] == "Running" for row in pods)
    assert rows(shell.kubectl("get", "deploy", "web", "-n", "shop"))[0][1] == "2/2"
    heading = shell.kubectl("get", "po", "-n", "shop", "-o", "wide").splitlines()[0].split()
    assert heading[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert shell.kubectl("get", "vs,dr", "-A", "-o", "name").splitlines()
    assert shell.kubectl("get", "po", "-n", "shop", "-l", "app=web", "--field-selector=status.phase!=Running") == ""
    assert "NotFound" in shell.kubectl("get", "pod", "nobody", code=1)


@needs_kubectl
def test_describe_and_explain_work(shell: Shell) -> None:
    """`kubectl describe` and `explain` find what they ask for."""
    text = shell.kubectl("describe", "pod", "-n", "shop", "-l", "app=web")
    assert "istio-proxy:" in text
    assert "Ready             True" in " ".join(text.split("\n")) or "Ready" in text
    assert "Selector:" in shell.kubectl("describe", "svc", "web", "-n", "shop")
    assert "VirtualService" in shell.kubectl("explain", "virtualservices.networking.istio.io")
    assert "perTryTimeout\t<string>" in shell.kubectl("explain", "vs.spec.http.retries")
    assert "FIELD: http <[]Object>" in shell.kubectl("explain", "virtualservice.spec.http")
    assert "containerPort\t<integer> -required-" in shell.kubectl("explain", "pod.spec.containers.ports")
    assert 'field "https" does not exist' in shell.kubectl("explain", "virtualservice.spec.https", code=1)


@needs_kubectl
def test_api_resources_lists_istio_among_kubernetes(shell: Shell) -> None:
    """Discovery gives every kind with group, scope and short names."""
    lines = shell.kubectl("api-resources", "--no-headers").splitlines()
    found = {tuple(line.split()) for line in lines}
    assert ("virtualservices", "vs", "networking.istio.io/v1", "true", "VirtualService") in found
    assert ("pods", "po", "v1", "true", "Pod") in found
    assert shell.kubectl("api-versions").splitlines()


@needs_kubectl
def test_auth_can_i_follows_roles(shell: Shell) -> None:
    """`auth can-i`, for oneself and impersonated, before and after a role is bound."""
    assert shell.kubectl("auth", "can-i", "delete", "nodes").strip() == "yes"
    assert "no" in shell.kubectl("auth", "can-i", "list", "pods", "--as", "bob", code=1)
    shell.kubectl("create", "clusterrolebinding", "bob-views", "--clusterrole=view", "--user=bob")
    assert shell.kubectl("auth", "can-i", "list", "pods", "--as", "bob").strip() == "yes"
    assert "Forbidden" in shell.kubectl("delete", "pod", "x", "--as", "bob", code=1)
    assert "bob" in shell.kubectl("auth", "whoami", "--as", "bob")


@needs_kubectl
@pytest.mark.parametrize("tunnelled", ["true", "false"])
def test_port_forward_reaches_a_proxy(shell: Shell, tunnelled: str) -> None:
    """kubectl's SPDY frames lead to Envoy's admin port, inside a WebSocket and plain."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [KUBECTL, "port-forward", "-n", "shop", shell.pod("app=web"), f"{port}:15000", "--address=127.0.0.1"]
    environment = shell.environment | {"KUBECTL_PORT_FORWARD_WEBSOCKETS": tunnelled}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "Forwarding from" in process.stdout.readline()
        for path, expected in (("ready", b"LIVE\n"), ("config_dump?include_eds=true", b"EndpointsConfigDump")):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=20) as answer:
                assert expected in answer.read()
    finally:
        process.terminate()
        process.wait(10)


@needs_kubectl
@pytest.mark.parametrize("sockets", ["true", "false"])
def test_exec_runs_the_agents_requests(shell: Shell, sockets: str) -> None:
    """`kubectl exec` prints output and passes on the exit status, over WebSocket and SPDY."""
    variables = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": sockets}
    pod = shell.pod("app=web")
    inside = ["exec", "-n", "shop", pod, "-c", "istio-proxy", "--"]
    assert shell.kubectl(*inside, "pilot-agent", "request", "GET", "ready", **variables) == "LIVE\n"
    assert "15001" in shell.kubectl(*inside, "curl", "-s", "localhost:15000/listeners", **variables)
    assert "connect" in shell.kubectl(*inside, "curl", "-sS", "localhost:9", code=7, **variables)
    assert "not found" in shell.kubectl(*inside, "no-such-program", code=1, **variables)
    version = ["exec", "-n", "istio-system", "deploy/istiod", "--", "curl", "-s", "localhost:15014/version"]
    assert shell.kubectl(*version, **variables).startswith("1.30.3-")


@needs_kubectl
def test_logs_are_printed(shell: Shell) -> None:
    """`kubectl logs` of a proxy and of istiod, by workload and with a tail."""
    assert "Envoy proxy is ready" in shell.kubectl("logs", "-n", "shop", "deploy/web", "-c", "istio-proxy")
    assert shell.kubectl("logs", "-n", "istio-system", "deploy/istiod", "--tail=1").count("\n") == 1


RULES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: e2e, namespace: shop}
spec: {hosts: [e2e.example.com], http: [{route: [{destination: {host: web}}]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: e2e, namespace: shop}
data: {a: "1"}
"""


@needs_kubectl
def test_apply_creates_changes_and_prunes_fields(shell: Shell) -> None:
    """Client-side and server-side apply, diff and delete of the same manifests."""
    assert shell.kubectl("apply", "-f", "-", stdin=RULES).count("created") == 2
    assert shell.kubectl("apply", "-f", "-", stdin=RULES).count("unchanged") == 2
    changed = RULES.replace('a: "1"', 'b: "2"')
    assert "+  b:" in shell.kubectl("diff", "-f", "-", stdin=changed, code=1)
    assert "configmap/e2e configured" in shell.kubectl("apply", "-f", "-", stdin=changed)
    assert json.loads(shell.kubectl("get", "cm", "e2e", "-n", "shop", "-o", "jsonpath={.data}")) == {"b": "2"}
    server = ["apply", "--server-side", "--force-conflicts", "-f", "-"]
    assert shell.kubectl(*server, stdin=RULES).count("serverside-applied") == 2
    assert shell.kubectl("delete", "-f", "-", stdin=RULES).count("deleted") == 2
    assert "NotFound" in shell.kubectl("get", "vs", "e2e", "-n", "shop", code=1)


@needs_kubectl
def test_deployments_roll_out_and_pods_are_waited_for(shell: Shell) -> None:
    """Create, scale, wait, rollout status, delete a pod, delete the whole."""
    shell.kubectl("create", "deployment", "toy", "--image=toy:1", "-n", "warehouse")
    shell.kubectl("scale", "deploy/toy", "--replicas=3", "-n", "warehouse")
    assert "successfully rolled out" in shell.kubectl(
        "rollout", "status", "deploy/toy", "-n", "warehouse", "--timeout=20s"
    )
    ready = shell.kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=toy", "-n", "warehouse", "--timeout=20s")
    assert ready.count("condition met") == 3
    pod = shell.pod("app=toy", "warehouse")
    assert "deleted" in shell.kubectl("delete", "pod", pod, "-n", "warehouse")
    shell.kubectl("wait", "--for=condition=Available", "deploy/toy", "-n", "warehouse", "--timeout=20s")
    shell.kubectl("set", "image", "deploy/toy", "toy=toy:2", "-n", "warehouse")
    shell.kubectl("rollout", "status", "deploy/toy", "-n", "warehouse", "--timeout=20s")
    history = ["rollout", "history", "deploy/toy", "-n", "warehouse"]
    wait_for(lambda: [row[0] for row in rows(shell.kubectl(*history)) if row] == ["REVISION", "1", "2"])
    shell.kubectl("rollout", "undo", "deploy/toy", "-n", "warehouse")
    image = ["get", "deploy", "toy", "-n", "warehouse", "-o", "jsonpath={.spec.template.spec.containers[0].image}"]
    assert shell.kubectl(*image) == "toy:1"
    wait_for(lambda: [row[0] for row in rows(shell.kubectl(*history)) if row] == ["REVISION", "2", "3"])
    shell.kubectl("delete", "deployment", "toy", "-n", "warehouse")
    shell.kubectl("wait", "--for=delete", "pod", "-l", "app=toy", "-n", "warehouse", "--timeout=20s")
    assert shell.kubectl("get", "pods", "-l", "app=toy", "-n", "warehouse", "-o", "name") == ""


@needs_istioctl
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ps",), "CDS,LDS,EDS,RDS"),
        (("ps", "-v", "1"), "SYNCED"),
        (("version",), "data plane version: 1.30.3"),
        (("x", "version"), "control plane version: 1.30.3"),
        (("analyze", "-n", "shop"), ""),
        (("admin", "log"), "ads debugging"),
        (("remote-clusters",), "synced"),
        (("x", "precheck"), ""),  # says so on stderr
        (("x", "internal-debug", "syncz"), "cluster_acked"),
        (("tag", "list"), "default"),
    ],
)
def test_istioctl_is_answered(shell: Shell, words: Sequence[str], expected: str) -> None:
    """The unchanged istioctl finds istiod, proxies and webhooks."""
    assert expected in shell.istioctl(*words)


@needs_istioctl
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ps", "POD"), "Clusters Match\nListeners Match\nRoutes Match"),
        (("pc", "cluster", "POD"), "outbound"),
        (("pc", "listener", "POD"), "15006"),
        (("pc", "route", "POD"), "VIRTUAL SERVICE"),
        (("pc", "endpoint", "POD"), "HEALTHY"),
        (("pc", "eds", "POD"), "HEALTHY"),
        (("pc", "bootstrap", "POD", "-o", "short"), "Istio Version: 1.30.3"),
        (("pc", "secret", "POD"), "ROOTCA"),
        (("pc", "all", "POD"), "CLUSTER"),
        (("pc", "cluster", "deploy/web.shop"), "outbound"),
        (("pc", "log", "POD", "--level", "http:debug"), "http: debug"),
        (("x", "describe", "pod", "POD"), "Effective PeerAuthentication"),
        (("x", "describe", "svc", "web.shop"), "Service: web"),
        (("x", "authz", "check", "POD"), "ACTION"),
        (("x", "check-inject", "POD"), "REASON"),
        (("x", "envoy-stats", "POD"), "server.live: 1"),
    ],
)
def test_istioctl_reads_a_proxy(shell: Shell, words: Sequence[str], expected: str) -> None:
    """The unchanged istioctl reads a pod's Envoy through port-forwards, and finds it as istiod meant it to be."""
    pod = f"{shell.pod('app=web')}.shop"
    assert expected in shell.istioctl(*(pod if word == "POD" else word for word in words))


TOY = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: toy, namespace: shop}
spec:
  selector: {matchLabels: {app: toy}}
  template:
    metadata: {labels: {app: toy}}
    spec: {containers: [{name: toy, image: toy}]}
"""


@needs_istioctl
def test_istioctl_injects_by_the_webhook(shell: Shell, tmp_path: Path) -> None:
    """The unchanged istioctl trusts the webhook's certificate and gets the proxy from it."""
    manifest = tmp_path / "toy.yaml"
    manifest.write_text(TOY)
    assert "istio-proxy" in shell.istioctl("kube-inject", "-f", str(manifest))


@needs_istioctl
def test_istioctl_tags_revisions(shell: Shell) -> None:
    """A revision tag is set beside the default one, listed and removed."""
    shell.istioctl("tag", "set", "prod", "-r", "default")
    assert [line.split()[:2] for line in shell.istioctl("tag", "list").splitlines()[1:]] == [
        ["default", "default"],
        ["prod", "default"],
    ]
    shell.istioctl("tag", "remove", "prod", "-y")
    assert "prod" not in shell.istioctl("tag", "list")


@needs_istioctl
def test_istioctl_makes_a_secret_for_another_cluster(shell: Shell) -> None:
    """The token that `create-remote-secret` waits for is there."""
    assert "token: ey" in shell.istioctl("create-remote-secret", "--name", "other")


@needs_kubectl
def test_istiod_denies_through_kubectl(shell: Shell) -> None:
    """kubectl shows why istiod refuses configuration."""
    invalid = RULES.replace(
        "{route: [{destination: {host: web}}]}", "{route: [{destination: {host: web}}], timeout: -1s}"
    )
    assert 'admission webhook "validation.istio.io" denied' in shell.kubectl("apply", "-f", "-", stdin=invalid, code=1)
    shell.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=invalid)


def test_the_command_serves_until_it_is_stopped(tmp_path: Path) -> None:
    """`simulate serve` writes a private kubeconfig when it is ready, prints its path, and ends cleanly on SIGTERM."""
    pytest.importorskip("aiohttp", reason="needs the extra `serve`")
    path = tmp_path / "kubeconfig"
    command = [sys.executable, "-m", "kubectl_mesh", "simulate", "serve", "--demo", "--write-kubeconfig", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"export KUBECONFIG={path}\n"
        assert path.stat().st_mode & 0o777 == 0o600
        start = time.monotonic()
        status = [sys.executable, "-m", "kubectl_mesh", "ps"]
        done = subprocess.run(status, env=os.environ | {"KUBECONFIG": str(path)}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "web-" in done.stdout
        assert time.monotonic() - start < 30
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert "Traceback" not in (process.stderr.read() if process.stderr else "")
