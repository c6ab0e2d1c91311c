"""Law: no arguments and no test file, however mangled, end in a traceback or in an unforeseen error."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.mangling import answer, mangle

LAW = settings(suppress_health_check=list(HealthCheck))
MESH = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: tcp, port: 9000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: example.test/web}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
  - match: [{uri: {regex: "/[a-z]+"}}, {headers: {x: {exact: "1"}}}]
    route: [{destination: {host: web}, weight: 1}, {destination: {host: nowhere}, weight: 1}]
  - rewrite: {uri: /x}
    route: [{destination: {host: web}}]
"""
ODD = st.text(max_size=12)
SCHEMES = st.sampled_from(["", "http://", "https://", "tcp://", "tls://", "grpc://", "ws://", "ftp://", "://"])
HOSTS = st.sampled_from(
    ["web", "web.shop", "WEB.shop.", "10.96.0.1", "[::1]", "[::1%25eth0]", "256.1.1.1", "*", "-", "a..b", "x" * 300, "",
     "x@web", "bücher.example", "xn--bcher-kva.example", "0", "0x7f.1", "localhost", "[", "web."]
)  # fmt: skip
PORTS = st.sampled_from(["", ":80", ":9000", ":0", ":65536", ":-1", ":x", ":080", ":", ":80:80"])
PATHS = st.sampled_from(
    ["", "/", "/a/../b", "//", "/%2F", "/%", "/%zz", "?", "?a=b&a", "#f", "/a;b", "/ü", "/" + "a" * 9000]
)
URLS = st.one_of(ODD, st.tuples(SCHEMES, st.one_of(HOSTS, ODD), PORTS, PATHS).map("".join))
SENDERS = st.one_of(
    st.sampled_from(
        [
            "outside",
            "deploy/web.shop",
            "shop/web",
            "gateway/istio-ingressgateway",
            "gateway/",
            "pod/",
            "/",
            "svc/web",
            "*",
            "",
        ]
    ),
    ODD,
)
FLAGS = st.sampled_from(["-X", "-H", "--source-ip", "--sni", "--tls", "--random", "--resolve", "-n", "-o"])
VALUES = st.one_of(
    st.sampled_from(
        ["GET", "x: 1", "x:", "host: web", ":path: /", "10.1.1.1", "::1", "simple", "mutual", "0", "1", "nan", "inf",
         "1e400", "web:10.0.0.1", "web:1", "shop", "json", "yaml"]
    ),
    ODD,
)  # fmt: skip
TESTS: dict[str, Any] = {
    "apiVersion": "kubectl-mesh/v1alpha1",
    "kind": "MeshTest",
    "metadata": {"name": "law"},
    "spec": {
        "given": {"manifests": ["mesh.yaml"]},
        "defaults": {"from": "shop/deploy/web"},
        "cases": [
            {
                "name": "one",
                "matrix": {"method": ["GET", "POST"]},
                "request": {"url": "http://web.shop/api", "headers": {"x": "1"}},
                "expect": {
                    "disposition": "delivered",
                    "status": 200,
                    "destination": {"service": "shop/web"},
                    "rule": {"virtualService": "shop/web", "index": 0},
                    "split": [{"service": "shop/web", "weight": 50}, {"service": "shop/nowhere", "weight": 50}],
                    "timeout": "2s",
                    "retries": {"attempts": 2},
                    "authz": {"verdict": "allow"},
                },
            }
        ],
        "invariants": [
            {"name": "two", "forall": {"from": "shop/*", "to": "shop/svc/*"}, "expect": {"upstreamTls": "mtls"}}
        ],
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the manifests of a mesh."""
    made = tmp_path_factory.mktemp("words")
    (made / "mesh.yaml").write_text(MESH)
    return made


@LAW
@given(SENDERS, URLS, st.lists(st.tuples(FLAGS, VALUES), max_size=3))
def test_mangled_words(folder: Path, sender: str, url: str, flags: list[tuple[str, str]]) -> None:
    """Whatever is asked, a trace answers or says what is wrong with the question."""
    words = [word for pair in flags for word in pair]
    _, complaints = answer("trace", "-f", str(folder / "mesh.yaml"), *words, "--", sender, url)
    assert "unexpected:" not in complaints


@LAW
@given(st.data())
def test_mangled_tests(folder: Path, data: st.DataObject) -> None:
    """Whatever a test file holds, it is run or said to be wrong."""
    document = copy.deepcopy(TESTS)
    data.draw(st.composite(mangle)(document))
    file = folder / "law.meshtest.yaml"
    file.write_text(yaml.safe_dump(document))
    _, complaints = answer("test", str(file))
    assert "unexpected:" not in complaints
