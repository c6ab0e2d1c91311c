"""Files that `simulate dump` writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_mesh.cli.app import run
from kubectl_mesh.sources.simulated import open_demo


def section(document: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the section of a kind."""
    (found,) = [each for each in document["configs"] if each["@type"].endswith(kind)]
    return dict(found)


def test_one_document_per_proxy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every proxy has a file of its own, named by namespace and pod."""
    assert run(["kubectl-mesh", "simulate", "dump", "--demo", "--output-dir", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{proxy.namespace}__{proxy.name}.json" for proxy in open_demo().proxies()
    }


def test_endpoints_are_those_that_istiod_sends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that Envoy would fill in or add stands beside what was sent."""
    words = ["simulate", "dump", "--demo", "--output-dir", str(tmp_path), "--proxy", "shop/deploy/web"]
    assert run(["kubectl-mesh", *words]) == 0
    source = open_demo()
    for path in tmp_path.iterdir():
        (proxy,) = [each for each in source.proxies() if path.name == f"{each.namespace}__{each.name}.json"]
        entries = section(json.loads(path.read_text()), "EndpointsConfigDump")["dynamic_endpoint_configs"]
        plain = [{key: value for key, value in each["endpoint_config"].items() if key != "@type"} for each in entries]
        assert plain == json.loads(json.dumps(list(source.configuration(proxy)["endpoints"])))


def test_nothing_to_simulate_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cluster is not dumped by accident."""
    assert run(["kubectl-mesh", "simulate", "dump", "--output-dir", str(tmp_path)]) == 2
