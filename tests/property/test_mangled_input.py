"""Law: no input, however mangled, ends in a traceback or in an error that nobody foresaw."""

import contextlib
import copy
import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_mesh.cli.app import run
from tests.property.meshes import documents, text_of

LAW = settings(suppress_health_check=list(HealthCheck))
NAME = "web.shop"
URL = "http://web.shop/api"
VALUES = st.sampled_from(
    [None, 0, -1, 65536, 2**70, 1.5, True, "", "x", "*", "a/b", "10s", "-5s", "::::", "999.1.1.1", "http://[::1",
     "a" * 300, "\0", [], {}, [None], [{}], {"a": []}, "istio-system", "*.example.com", "%s", "istiod"]
)  # fmt: skip
QUESTIONS = (
    ("trace", f"deploy/{NAME}", URL),
    ("trace", "outside", URL, "-o", "json"),
    ("analyze",),
    ("proxy-status",),
    ("proxy-config", "all", f"deploy/{NAME}", "-o", "json"),
    ("describe", "service", "web", "-n", "shop"),
    ("describe", "pod", f"deploy/{NAME}"),
    ("mtls",),
    ("authz", "can", "GET", "/", "--from", "deploy/web", "--to", "web", "-n", "shop"),
    ("check-inject", "deploy/web", "-n", "shop"),
    ("injector", "list"),
    ("waypoint", "list", "-A"),
    ("ztunnel-config", "all"),
    ("kube-inject",),
)
OF_A_DUMP = (
    ("trace", URL),
    ("trace", URL, "--inbound"),
    ("proxy-config", "all"),
    ("proxy-config", "all", "-o", "json"),
    ("proxy-config", "listener", "-o", "yaml"),
    ("proxy-config", "route", "-o", "json"),
    ("proxy-config", "cluster"),
    ("proxy-config", "secret"),
    ("proxy-config", "bootstrap"),
    ("proxy-config", "ecds"),
    ("authz", "check"),
)


def answer(*words: str) -> tuple[str, str]:
    """Make a call; return what it wrote to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        run(["kubectl-mesh", *words])
    return out.getvalue(), err.getvalue()


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every mapping or list in a document with each of its keys."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from places(node[key])


def mangle(draw: st.DrawFn, document: Any) -> None:
    """Replace, wrap or drop a few values of a document, in place."""
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(document))
        if not found:
            return
        holder, key = draw(st.sampled_from(found))
        match draw(st.sampled_from(["replace", "replace", "drop", "list", "mapping"])):
            case "replace":
                holder[key] = copy.deepcopy(draw(VALUES))
            case "drop":
                del holder[key]
            case "list":
                holder[key] = [holder[key]]
            case _:
                holder[key] = {"x": holder[key]}


@st.composite
def mangled_manifests(draw: st.DrawFn) -> str:
    """Draw the manifests of a mesh in which one document is damaged, or a character of the text."""
    found = draw(documents(services=2))
    mangle(draw, draw(st.sampled_from(found)))
    text = text_of(found)
    if draw(st.integers(0, 9)) == 0:
        place = draw(st.integers(0, len(text) - 1))
        text = text[:place] + draw(st.sampled_from(["", "\t", "}", ":", "'", "&a", "*a", "\x01", "{"])) + text[place:]
    return text


@cache
def dump() -> str:
    """Return the config dump of a proxy of the example mesh."""
    text, _ = answer("proxy-config", "all", "deploy/web.shop", "--demo", "-o", "json")
    return text


@st.composite
def mangled_dumps(draw: st.DrawFn) -> str:
    """Draw a config dump of which one section is damaged."""
    document = json.loads(dump())
    mangle(draw, draw(st.sampled_from(document["configs"])))
    return json.dumps(document)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a path to write input to."""
    return tmp_path_factory.mktemp("mangled") / "input.yaml"


@LAW
@given(mangled_manifests(), st.sampled_from(QUESTIONS))
def test_mangled_manifests(file: Path, text: str, question: tuple[str, ...]) -> None:
    """Whatever the manifests, every command answers or says what is wrong with them."""
    file.write_text(text)
    _, complaints = answer(*question, "-f", str(file))
    assert "unexpected:" not in complaints


@LAW
@given(documents(services=2), mangled_manifests())
def test_mangled_change(file: Path, before: list[dict[str, Any]], after: str) -> None:
    """Whatever a change does to manifests, the difference is an answer or says what is wrong with them."""
    file.write_text(after)
    original = file.with_name("before.yaml")
    original.write_text(text_of(before))
    _, complaints = answer("diff", str(original), str(file))
    assert "unexpected:" not in complaints


@LAW
@given(mangled_dumps(), st.sampled_from(OF_A_DUMP))
def test_mangled_dumps(file: Path, text: str, question: tuple[str, ...]) -> None:
    """Whatever a saved config dump holds, every command that reads one answers or says what is wrong with it."""
    file.write_text(text)
    _, complaints = answer(*question, "-f", str(file))
    assert "unexpected:" not in complaints
