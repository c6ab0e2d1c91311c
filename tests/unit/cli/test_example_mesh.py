"""Every command on the bundled example mesh, as the first call of a new user."""

import json

import pytest

from kubectl_mesh.cli.app import run


def call(*words: str) -> int:
    """Make one call."""
    return int(run(["kubectl-mesh", *words, "--demo"]))


@pytest.mark.parametrize(
    "words",
    [
        "proxy-status",
        "proxy-status -v 1 -n shop",
        "proxy-status web -n shop",
        "proxy-config cluster deploy/web",
        "proxy-config listener deploy/web --port 15006",
        "proxy-config route shop/deploy/web --name 80",
        "proxy-config endpoint svc/web",
        "proxy-config eds web",
        "proxy-config bootstrap web",
        "proxy-config secret web",
        "proxy-config all web",
        "authz check catalog",
        "x authz check catalog",
        "authz can GET / --from web --to catalog",
        "describe pod deploy/catalog-v1",
        "describe service catalog",
        "x describe pod web -n shop",
        "mtls --from web",
        "version",
        "trace deploy/web http://cart/items",
        "trace gateway/istio-ingressgateway http://shop.example.com/",
        "trace outside http://shop.example.com/api/catalog/x -v",
    ],
)
def test_answers(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command answers on stdout and ends well."""
    assert call(*words.split()) == 0
    out, err = capsys.readouterr()
    assert out
    assert "error" not in err


def test_trace_follows_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    """A trace names the rule of the VirtualService, the file and line, and the pod that answers."""
    assert call("trace", "deploy/web", "http://catalog/items", "-H", "x-shop-tester: true", "-o", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "Trace"
    assert found["verdict"]["delivered"]
    assert found["destination"].startswith("catalog-v2-")
    sources = [step["source"] for hop in found["hops"] for step in hop["steps"] if "source" in step]
    (route,) = [source for source in sources if source["resource"] == "VirtualService/shop/catalog"]
    assert "http[" in route["field"]
    name, _, line = route["position"].rpartition(":")
    assert name.endswith("catalog-routes.yaml")
    assert int(line) > 1


def test_denied_is_an_answer_with_its_own_code(capsys: pytest.CaptureFixture[str]) -> None:
    """`authz can` ends with 1 when the request is denied, and names the rule that failed to match."""
    assert call("authz", "can", "GET", "/", "--from", "web", "--to", "ledger") == 1
    assert "checkout" in capsys.readouterr().out


def test_conflict_of_encryption_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    """A client outside the mesh and a server that wants mutual TLS: exit code 1, and said so."""
    assert call("mtls", "--from", "stock", "--to", "checkout") == 1
    assert "tls-mismatch" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("trace nobody http://cart/", 5),
        ("trace deploy/web", 2),
        ("trace deploy/web http://", 2),
        ("trace shop/foo/web http://cart/", 2),
        ("describe pod nobody", 5),
        ("describe service nobody", 5),
        ("authz can GET / --from web --to nobody", 5),
        ("mtls --to istio-ingressgateway", 2),
        ("proxy-config cluster", 2),
        ("proxy-config cluster nobody", 5),
        ("proxy-config cluster stock", 5),
    ],
)
def test_wrong_names(words: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name ends with a sentence and a hint."""
    assert call(*words.split()) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "error:" in err or "Error:" in err
    assert "unexpected" not in err


def test_names_are_found_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    """Pod, workload, service and istioctl's name.namespace stand for the same proxy."""
    call("proxy-status", "-n", "shop")
    pod = next(word for word in capsys.readouterr().out.split() if word.startswith("web-"))
    tables = set()
    for name in (pod, "deploy/web", "shop/deploy/web", "svc/web.shop", "web", "deployment/web.shop"):
        assert call("proxy-config", "cluster", name) == 0
        tables.add(capsys.readouterr().out)
    assert len(tables) == 1
