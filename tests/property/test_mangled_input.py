"""Law: no input, however mangled, ends in a traceback or in an unforeseen error."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.mangling import answer, mangle
from tests.property.meshes import documents, text_of

LAW = settings(suppress_health_check=list(HealthCheck))
SELDOM = settings(LAW, max_examples=settings().max_examples // 2)
"""For what is slow: a whole config dump is written, read and printed."""
OFTEN = settings(LAW, max_examples=3 * settings().max_examples)
"""For what is quick: with this, `make truth` tries well over 100,000 mangled inputs."""
NAME = "web.shop"
URL = "http://web.shop/api"
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


@OFTEN
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


@SELDOM
@given(mangled_dumps(), st.sampled_from(OF_A_DUMP))
def test_mangled_dumps(file: Path, text: str, question: tuple[str, ...]) -> None:
    """Whatever a saved config dump holds, every command that reads one answers or says what is wrong with it."""
    file.write_text(text)
    _, complaints = answer(*question, "-f", str(file))
    assert "unexpected:" not in complaints
