"""curl in a pod meets what the mesh would do with its request."""

import asyncio
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from simulator.apiserver.commands import Commands
from simulator.apiserver.curl_options import UnknownOption, curl_command
from simulator.apiserver.exec import outcome_of
from simulator.apiserver.outcomes import Outcome
from simulator.apiserver.services import Cluster, cluster_of
from simulator.apiserver.simulated import SimulatedWorld, installed
from simulator.apiserver.wget import curl_arguments
from simulator.manifests.reading import parse_manifests

MESH = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Namespace
metadata: {name: bare}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: empty, namespace: shop}
spec: {selector: {app: none}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: raw, namespace: shop}
spec: {selector: {app: web}, ports: [{name: tcp, port: 9000, targetPort: 9000}]}
---
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: bare}
spec:
  selector: {app: plain}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: http-other, port: 81, targetPort: 9090}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "web:1", ports: [{containerPort: 8080}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain, namespace: bare}
spec:
  selector: {matchLabels: {app: plain}}
  template:
    metadata: {labels: {app: plain}}
    spec: {containers: [{name: app, image: "plain:1", ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
  - match: [{uri: {prefix: /old}}]
    redirect: {uri: /new, redirectCode: 302}
  - match: [{uri: {prefix: /abort}}]
    fault: {abort: {httpStatus: 418, percentage: {value: 100}}}
    route: [{destination: {host: web}}]
  - match: [{uri: {prefix: /slow}}]
    fault: {delay: {fixedDelay: 0.05s, percentage: {value: 100}}}
    route: [{destination: {host: web}}]
  - match: [{uri: {prefix: /cors}}]
    corsPolicy: {allowOrigins: [{exact: "http://a.example"}], allowMethods: [GET]}
    route: [{destination: {host: web}}]
  - match: [{uri: {prefix: /split}}]
    route:
    - {destination: {host: web}, weight: 90, headers: {response: {set: {x-way: most}}}}
    - {destination: {host: plain.bare.svc.cluster.local}, weight: 10, headers: {response: {set: {x-way: some}}}}
  - route: [{destination: {host: web}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: admin, namespace: shop}
spec: {action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: plain, namespace: shop}
spec: {host: plain.bare.svc.cluster.local, trafficPolicy: {tls: {mode: DISABLE}}}
"""
Ask = Callable[..., Outcome]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Return how to run a command in a container: `ask("app=web", "curl", …, container="app")`."""
    pytest.importorskip("cryptography")
    with asyncio.Runner() as runner:

        async def served() -> Cluster:
            return cluster_of(installed(parse_manifests(MESH)), SimulatedWorld, seed=b"curl")

        cluster = runner.run(served())
        pods = {pod["metadata"]["labels"]["app"]: pod for _, pod in cluster.keeper.store.list("pods", None)}

        def run(app: str, *command: str, container: str = "app") -> Outcome:
            return runner.run(cluster.commands.run(pods[app], container, command))

        yield run
        runner.run(cluster.close())


def head_of(outcome: Outcome) -> list[str]:
    """Return the lines of a response's head without the time."""
    lines = outcome.out.decode().partition("\r\n\r\n")[0].split("\r\n")
    return [line for line in lines if not line.startswith("date: ")]


def test_an_application_is_named_in_place_of_its_answer(ask: Ask) -> None:
    """A delivered request says which pod got it, with the headers that the client's proxy adds."""
    found = ask("web", "curl", "-si", "http://web/a?b=c")
    assert found.status == 0
    head = head_of(found)
    assert head[0] == "HTTP/1.1 200 OK"
    assert head[-2:] == ["server: envoy", "x-envoy-upstream-service-time: 0"]
    assert b".shop got GET /a?b=c on port 8080; applications are not simulated\n" in found.out


@pytest.mark.parametrize(
    ("path", "head", "body"),
    [
        ("http://web/admin", ["HTTP/1.1 403 Forbidden", "content-length: 19", "content-type: text/plain",
                              "server: envoy", "x-envoy-upstream-service-time: 0"], b"RBAC: access denied"),
        ("http://empty/", ["HTTP/1.1 503 Service Unavailable", "content-length: 19", "content-type: text/plain",
                           "server: envoy"], b"no healthy upstream"),
        ("http://web/abort", ["HTTP/1.1 418 Unknown", "content-length: 18", "content-type: text/plain",
                              "server: envoy"], b"fault filter abort"),
        ("http://web/old", ["HTTP/1.1 302 Found", "location: http://web/new", "server: envoy",
                            "content-length: 0"], b""),
    ],
)  # fmt: skip
def test_proxies_answer_themselves(ask: Ask, path: str, head: list[str], body: bytes) -> None:
    """Refusals, faults and redirects have Envoy's status line, headers in its order, and its text."""
    found = ask("web", "curl", "-si", path)
    assert (found.status, head_of(found)) == (0, head)
    assert found.out.partition(b"\r\n\r\n")[2] == body


def test_a_port_that_no_container_declares_is_named(ask: Ask) -> None:
    """A Service may lead to a port that nobody listens on: the answer says that it is not declared."""
    found = ask("web", "curl", "-s", "http://plain.bare:81/")
    assert b"on port 9090, which it does not declare; applications are not simulated\n" in found.out


def test_routes_change_what_comes_back_and_shares_are_met_in_turn(ask: Ask) -> None:
    """One request in ten takes the way of ten per cent, and each way has its own response header."""
    ways = [ask("web", "curl", "-si", "http://web/split").out.partition(b"x-way: ")[2][:4] for _ in range(50)]
    assert 4 <= ways.count(b"some") <= 6
    assert ways.count(b"most") == 50 - ways.count(b"some")


def test_cors_is_answered(ask: Ask) -> None:
    """A preflight is answered by the proxy; another request's response says that its origin is allowed."""
    preflight = ("-X", "OPTIONS", "-H", "Access-Control-Request-Method: GET")
    origin = ("-H", "Origin: http://a.example", "http://web/cors")
    allowed = "access-control-allow-origin: http://a.example"
    assert {allowed, "access-control-allow-methods: GET"} <= set(
        head_of(ask("web", "curl", "-si", *preflight, *origin))
    )
    assert allowed in head_of(ask("web", "curl", "-si", *origin))


@pytest.mark.parametrize(
    ("app", "address", "code", "words"),
    [
        ("web", "http://nosuch.shop/", 6, "Could not resolve host: nosuch.shop"),
        ("web", "localhost:99", 7, "Failed to connect to localhost port 99 after 0 ms: Couldn't connect to server"),
        ("plain", "http://empty.shop/", 7, "Failed to connect to empty.shop port 80 after 0 ms: Couldn't connect"),
        ("plain", "http://web.shop/", 56, "Recv failure: Connection reset by peer"),
        ("web", "https://web/", 35, "OpenSSL SSL_connect: "),
        ("web", "https://plain.bare:80/", 35, "OpenSSL/3.0.13: error:0A00010B:SSL routines::wrong version number"),
        ("web", "http://web:x/", 3, "URL rejected: Port number was not a decimal number between 0 and 65535"),
        ("web", "ftp://web/", 1, 'Protocol "ftp" not supported'),
    ],
)
def test_a_connection_that_breaks_ends_curl_as_it_would(
    ask: Ask, app: str, address: str, code: int, words: str
) -> None:
    """Exit code and message are curl's; with `-s` alone nothing is printed."""
    found = ask(app, "curl", "-sS", address)
    assert (found.status, found.out) == (code, b"")
    assert found.err.decode().startswith(f"curl: ({code}) {words}")
    assert ask(app, "curl", "-s", address).err == b""


def test_what_the_proxy_container_sends_passes_the_proxy_by(ask: Ask) -> None:
    """Strict mutual TLS refuses it, since its own proxy does not encrypt what it sends itself."""
    assert ask("web", "curl", "-s", "http://web/", container="istio-proxy").status == 56


def test_a_client_without_proxy_sees_the_servers_headers(ask: Ask) -> None:
    """Without proxies on the way, a response is the application's alone."""
    assert not any(line.startswith(("server", "x-envoy")) for line in head_of(ask("plain", "curl", "-si", "plain")))


def test_delays_are_waited_for(ask: Ask) -> None:
    """An injected delay takes its time, and `--max-time` ends the wait with 28."""
    assert ask("web", "curl", "-s", "-o", "/dev/null", "-w", "%{time_total}", "http://web/slow").out == b"0.050000"
    late = ask("web", "curl", "-sS", "-m", "0.01", "http://web/slow")
    assert (late.status, late.err) == (
        28,
        b"curl: (28) Operation timed out after 10 milliseconds with 0 bytes received\n",
    )


def test_options_print_what_they_are_for(ask: Ask) -> None:
    """Heads, redirects, failures and `--write-out` are as curl prints them."""
    assert ask("web", "curl", "-sI", "web").out.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b" got GET /new " in ask("web", "curl", "-sL", "http://web/old").out
    heads = ask("web", "curl", "-sSL", "-o", "/dev/null", "-D", "-", "http://web/old").out
    assert [line for line in heads.splitlines() if line.startswith(b"HTTP")] == [
        b"HTTP/1.1 302 Found",
        b"HTTP/1.1 200 OK",
    ]
    failed = ask("web", "curl", "-fsS", "http://web/admin")
    assert (failed.status, failed.out) == (22, b"")
    assert failed.err == b"curl: (22) The requested URL returned error: 403\n"
    form = r"%{http_code} %{redirect_url} %{num_redirects}\n"
    assert ask("web", "curl", "-so/dev/null", "-w", form, "http://web/old").out == b"302 http://web/new 0\n"
    assert ask("web", "curl", "-s", "-w", "%{http_code}", "nosuch").out == b"000"
    told = ask("web", "curl", "-sv", "-d", "a=b", "-H", "Host: web", "http://web/").err.decode()
    assert "> POST / HTTP/1.1\n> Host: web\n> User-Agent: curl/8.5.0\n> Accept: */*\n> Content-Length: 3\n" in told
    assert "< HTTP/1.1 200 OK\n" in told


def test_wget_fetches_too(ask: Ask) -> None:
    """busybox's options and words."""
    assert b" got GET / " in ask("web", "wget", "-qO-", "http://web").out
    assert ask("web", "wget", "-O", "-", "http://web/admin").err == b"wget: server returned error: HTTP/1.1 403\n"
    assert ask("web", "wget", "nosuch").err == b"wget: bad address 'nosuch'\n"
    assert curl_arguments(["-T", "3", "--header=A: b", "x"])[3:] == ["-H", "A: b", "x"]


def test_commands_follow_each_other(ask: Ask) -> None:
    """A shell runs lists of commands; what it does not know it says."""
    assert ask("web", "sh", "-c", "false || echo a; true && echo b; false && echo c").out == b"a\nb\n"
    assert b"| is not simulated" in ask("web", "sh", "-c", "curl web | head").err


def test_a_command_line_is_read_as_curl_reads_it() -> None:
    """Short options cluster, the first that takes a value takes the rest, and unknown ones are refused."""
    found = curl_command(["-sSko/dev/null", "-XPUT", "--data", "a", "-d", "b", "x", "--", "-y"])
    assert found.addresses == ("x", "-y")
    assert (found.method, found.body, found.value("output")) == ("PUT", "a&b", "/dev/null")
    assert found.has("insecure", "nothing")
    for words in (["--nonsense"], ["-d"], ["-sK"]):
        with pytest.raises(UnknownOption):
            curl_command(words)


def test_a_command_that_fails_here_ends_with_a_status() -> None:
    """On an upgraded connection an unforeseen error is a Status too."""

    class Broken:
        async def run(self, *_: object) -> Outcome:
            raise KeyError("gone")

    commands = cast(Commands, Broken())
    outcome, status = asyncio.run(outcome_of(commands, {}, "app", ["curl"]))
    assert (outcome.status, status["code"], "gone" in status["message"]) == (1, 500, True)
