"""A served mesh of a thousand pods: kubectl stays quick, and fifty watchers see a thousand changes in order."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_kubectl import KUBECTL, needs_kubectl

WATCHERS, CHANGES, DEPLOYMENTS = 50, 1000, 100
SLACK = 3.0
"""The machine that tests run on may be shared: promises are for one that is idle."""

_DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: app-{0}, namespace: ns-{1}}}
spec:
  replicas: 10
  selector: {{matchLabels: {{app: app-{0}}}}}
  template:
    metadata: {{labels: {{app: app-{0}}}}}
    spec: {{containers: [{{name: app, image: app, ports: [{{containerPort: 8080}}]}}]}}
---
"""
_NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {{name: ns-{0}, labels: {{istio-injection: enabled}}}}\n---\n"


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Serve a thousand pods from a process of its own."""
    pytest.importorskip("aiohttp", reason="needs the extra `serve`")
    folder = tmp_path_factory.mktemp("scale")
    manifests, path = folder / "mesh.yaml", folder / "kubeconfig"
    text = "".join(_NAMESPACE.format(number) for number in range(10))
    text += "".join(_DEPLOYMENT.format(number, number % 10) for number in range(DEPLOYMENTS))
    manifests.write_text(text)
    command = [sys.executable, "-m", "kubectl_mesh", "simulate", "serve", "-f", str(manifests)]
    process = subprocess.Popen([*command, "--write-kubeconfig", str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield path
    finally:
        process.terminate()
        assert process.wait(15) == 0


@needs_kubectl
def test_kubectl_lists_a_thousand_pods_within_a_second(kubeconfig: Path, tmp_path: Path) -> None:
    """`kubectl get pods -A` of 1,000 pods is answered in a second."""
    environment = {"KUBECONFIG": str(kubeconfig), "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    command = [KUBECTL, "get", "pods", "-A", "--no-headers"]
    times = []
    for _ in range(3):
        start = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        times.append(time.monotonic() - start)
    assert len(done.stdout.splitlines()) >= 1000
    assert min(times) < 1.0 * SLACK


def test_watchers_miss_nothing(kubeconfig: Path) -> None:
    """50 watchers see 1,000 changes that come as fast as they are taken: each once, in order."""
    config = json.loads(kubeconfig.read_text())
    orders = asyncio.run(_watch_and_change(config))
    assert orders == [[f"c{number}" for number in range(CHANGES)]] * WATCHERS


async def _watch_and_change(config: Any) -> list[list[str]]:
    import base64

    import aiohttp

    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=authority), limit=WATCHERS + 4)
    headers = {"Authorization": f"Bearer {user['token']}"}
    path = cluster["server"] + "/api/v1/namespaces/default/configmaps"
    async with aiohttp.ClientSession(connector=connector, headers=headers, read_bufsize=1 << 22) as session:
        async with session.get(path) as listed:
            version = (await listed.json())["metadata"]["resourceVersion"]
        ready = [asyncio.Event() for _ in range(WATCHERS)]

        async def watch(opened: asyncio.Event) -> list[str]:
            names: list[str] = []
            query = {"watch": "true", "resourceVersion": version}
            async with session.get(path, params=query) as response:
                opened.set()
                async for line in response.content:
                    names.append(json.loads(line)["object"]["metadata"]["name"])
                    if len(names) == CHANGES:
                        break
            return names

        watchers = [asyncio.create_task(watch(event)) for event in ready]
        await asyncio.gather(*(event.wait() for event in ready))
        for number in range(CHANGES):
            async with session.post(path, json={"metadata": {"name": f"c{number}"}}) as response:
                assert response.status == 201
        return await asyncio.wait_for(asyncio.gather(*watchers), 60)
