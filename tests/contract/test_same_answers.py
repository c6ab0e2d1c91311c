"""Every command gives the same answer on every source: a mesh simulated, served, and recorded from what is served.

Standard output is compared byte for byte, but for what a source cannot know (docs/differences.md): the times of a
cluster, and where in which file a resource was written.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from types import MappingProxyType

import pytest

from docs.commands import commands
from kubectl_mesh.cli.app import run
from tests.contract.serving import ServedMesh, serving
from tests.unit.diagnosis.ambient import AMBIENT

WEB = "shop/deploy/web"
PAY = "http://checkout.payments/v1/payments/7"
QUESTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "trace": (f"{WEB} http://catalog/search", f"{WEB} http://catalog/search -v -o json", f"shop/deploy/cart {PAY}",
                  "outside http://shop.example.com/store/cart", f"warehouse/deploy/stock {PAY}"),
        "analyze": ("-n shop", "-n payments -o json"),
        "proxy-status": ("", f"{WEB}"),
        "proxy-config cluster": (WEB, f"{WEB} -o json", f"{WEB} --direction outbound"),
        "proxy-config listener": (WEB, f"{WEB} -o json", f"{WEB} --verbose=false", f"{WEB} --port 15006"),
        "proxy-config route": (WEB, f"{WEB} -o json", f"{WEB} --name 80"),
        "proxy-config endpoint": (WEB, f"{WEB} -o json"),
        "proxy-config eds": (WEB, f"{WEB} -o yaml"),
        "proxy-config bootstrap": (WEB, f"{WEB} -o short"),
        "proxy-config ecds": (WEB,),
        "proxy-config all": (WEB, f"{WEB} --verbose=false"),
        "describe pod": (WEB, "payments/deploy/checkout", "warehouse/deploy/stock"),
        "describe service": ("web.shop", "checkout.payments", "catalog.shop -o json"),
        "authz check": ("payments/deploy/checkout", f"{WEB} -o json"),
        "authz can": (f"--from shop/deploy/cart --to payments/deploy/checkout GET {PAY[23:]}",),
        "mtls": ("", "--from shop/deploy/cart --to payments/deploy/checkout"),
        "check-inject": ("-n shop -l app=web", "-n warehouse -l app=stock"),
        "injector list": ("",),
        "waypoint list": ("-A",),
        "waypoint status": ("-A",),
        "remote-clusters": ("",),
        "version": ("", "-o json"),
        "ztunnel-config all": ("",),
        "ztunnel-config connections": ("",),
        "ztunnel-config policy": ("", "-o json"),
        "ztunnel-config service": ("", "-o yaml"),
        "ztunnel-config workload": ("", "-o json"),
        "experimental authz check": ("payments/deploy/checkout",),
        "experimental check-inject": ("-n shop -l app=web",),
        "experimental describe pod": (WEB,),
        "experimental describe service": ("web.shop",),
        "experimental injector list": ("",),
    }
)  # fmt: skip
NOT_ASKED: Mapping[str, str] = MappingProxyType(
    {
        "admin log": "changes and shows what a running istiod logs",
        "bug-report": "records a source",
        "bundle": "records a source",
        "completion": "asks no mesh",
        "connect": "makes requests in a cluster",
        "dashboard": "forwards ports of a cluster",
        "diff": "compares manifests",
        "experimental envoy-stats": "shows what a running proxy counts",
        "experimental precheck": "asks a cluster about itself",
        "kube-inject": "reads manifests",
        "options": "asks no mesh",
        "precheck": "asks a cluster about itself",
        "proxy-config log": "changes and shows what a running proxy logs",
        "proxy-config rootca-compare": "compares certificates, which manifests have not",
        "proxy-config secret": "shows certificates, which manifests have not",
        "simulate": "writes or serves what manifests make",
        "test": "reads manifests",
        "waypoint apply": "changes a cluster",
        "waypoint delete": "changes a cluster",
        "waypoint generate": "asks no mesh",
        "ztunnel-config certificate": "shows certificates, which manifests have not",
        "ztunnel-config log": "changes and shows what a running ztunnel logs",
    }
)
MOMENTS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(/\d+)?|\b\d+(s|m|h|d)(\d+s)?\b(?= ago)?")
"""Times of pushes and ages: a simulated mesh has no clock, a served one has."""
WRITTEN = re.compile(r"(?<=\S)  (/api\S+|\S+\.yaml:\d+|default control plane)$", re.MULTILINE)
"""Where the resource of a line is written: in a file, or at a path of the API."""
POSITION = re.compile(r'(?<="position": )".*"')
CERTIFICATES = re.compile(r"^(RESOURCE NAME|secret/).*\n", re.MULTILINE)
"""Rows of certificates, which manifests have not."""
ASKED = re.compile(r"(?<= when analyzing ).*?(?=; )")
"""The subject of an analysis: files, or a namespace of a cluster."""
EMPTY = frozenset(
    {"proxy-config ecds", "proxy-config rootca-compare", "ztunnel-config certificate", "ztunnel-config connections"}
)
"""Commands whose answer to the question here is a sentence on stderr."""


@pytest.fixture(scope="module")
def shop(example: ServedMesh, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """Return the flags that choose each source of the example mesh."""
    return sources(["--demo"], example, tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def ambient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, list[str]]]:
    """Return the flags that choose each source of a mesh with ztunnels."""
    folder = tmp_path_factory.mktemp("ambient")
    manifests = folder / "ambient.yaml"
    manifests.write_text(AMBIENT)
    with serving(AMBIENT, folder=folder) as served:
        yield sources(["-f", str(manifests)], served, folder)


def sources(simulated: list[str], served: ServedMesh, folder: Path) -> Mapping[str, list[str]]:
    """Record a served mesh, and return the flags of each source."""
    live = ["--kubeconfig", str(served.kubeconfig)]
    assert run(["kubectl-mesh", "bundle", str(folder / "mesh.tgz"), *live]) == 0
    return {"simulated": simulated, "served": live, "recorded": ["--bundle", str(folder / "mesh.tgz")]}


def questions() -> Iterator[tuple[str, str]]:
    """Yield every command with its words."""
    for command, each in QUESTIONS.items():
        yield from ((command, words) for words in each)


ALL = sorted(questions())


@pytest.mark.parametrize("copy", ["served", "recorded"])
@pytest.mark.parametrize(("command", "words"), ALL, ids=[f"{command} {words}".strip() for command, words in ALL])
def test_answers_are_the_same(
    command: str, words: str, copy: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same question gets the same text, and the same exit code."""
    flags = request.getfixturevalue("ambient" if command.startswith("ztunnel") else "shop")
    answers = []
    for source in ("simulated", copy):
        capsys.readouterr()
        code = run(["kubectl-mesh", *command.split(), *words.split(), *flags[source]])
        answers.append((code, known_everywhere(command, capsys.readouterr().out)))
    (first_code, first), (code, text) = answers
    difference = list(unified_diff(first.splitlines(), text.splitlines(), "simulated", copy, lineterm="", n=1))
    assert not difference, "\n".join(difference[:20])
    assert code == first_code
    assert first or command in EMPTY


@pytest.mark.parametrize("copy", ["served", "recorded"])
def test_paths_through_ztunnels_are_the_same(
    copy: str, ambient: Mapping[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A tunnelled request takes the same path, whatever the source of the ztunnels' state."""
    answers = []
    for source in ("simulated", copy):
        assert run(["kubectl-mesh", "trace", "shop/deploy/web", "http://web.shop/", *ambient[source]]) == 0
        answers.append(known_everywhere("trace", capsys.readouterr().out))
    assert answers[0] == answers[1]
    assert "inside HBONE" in answers[0]


def known_everywhere(command: str, text: str) -> str:
    """Return a text without times, and a trace without what its source alone knows."""
    text = CERTIFICATES.sub("", ASKED.sub("<source>", MOMENTS.sub("<time>", text)))
    return POSITION.sub('""', WRITTEN.sub("", text)) if command == "trace" else text


def test_every_command_is_asked_or_excused() -> None:
    """Every command is run here, or it or its group is excused with a reason."""
    known = {words for words, _ in commands()}
    excused = {words for words in known if any(f"{words} ".startswith(f"{each} ") for each in NOT_ASKED)}
    assert sorted(known - excused) == sorted(QUESTIONS)
