"""krew's rules for manifests."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from krew.validation import problems

Json = dict[str, Any]
GOOD: Json = {
    "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
    "kind": "Plugin",
    "metadata": {"name": "mesh"},
    "spec": {
        "version": "v1.2.3",
        "homepage": "https://mesh.test",
        "shortDescription": "Look at meshes",
        "description": "Looks at meshes.",
        "platforms": [
            {
                "selector": {"matchLabels": {"os": "linux", "arch": "amd64"}},
                "uri": "https://mesh.test/a.tar.gz",
                "sha256": "0" * 64,
                "bin": "kubectl-mesh",
            }
        ],
    },
}


def platform(change: Json) -> Callable[[Json], None]:
    """Change fields of the platform."""
    return lambda document: document["spec"]["platforms"][0].update(change)


def spec(change: Json) -> Callable[[Json], None]:
    """Change fields of the spec."""
    return lambda document: document["spec"].update(change)


def selector(*expressions: Json, **labels: str) -> Callable[[Json], None]:
    """Change the selector of the platform."""
    given = {"matchLabels": labels, "matchExpressions": list(expressions)}
    return platform({"selector": {key: value for key, value in given.items() if value}})


def judged(change: Callable[[Json], object]) -> list[str]:
    """Return the problems of the good manifest after a change."""
    document = copy.deepcopy(GOOD)
    change(document)
    return problems(document, file_name="mesh.yaml")


BAD = {
    "another API version": lambda document: document.update(apiVersion="v1"),
    "another kind": lambda document: document.update(kind="Deployment"),
    "a name with a dot": lambda document: document["metadata"].update(name="me.sh"),
    "a name of a Windows device": lambda document: document["metadata"].update(name="con"),
    "a name that is not the file's": lambda document: document["metadata"].update(name="other"),
    "a version without v": spec({"version": "1.2.3"}),
    "a version of two numbers": spec({"version": "v1.2"}),
    "a version with a leading zero": spec({"version": "v1.02.3"}),
    "no short description": spec({"shortDescription": ""}),
    "a short description of two lines": spec({"shortDescription": "a\nb"}),
    "a long short description": spec({"shortDescription": "a" * 51}),
    "no platform": spec({"platforms": []}),
    "no address": platform({"uri": ""}),
    "no program": platform({"bin": ""}),
    "a program outside": platform({"bin": "../sh"}),
    "a digest in upper case": platform({"sha256": "A" * 64}),
    "a short digest": platform({"sha256": "0" * 63}),
    "an empty list of files": platform({"files": []}),
    "a target that is not clean": platform({"files": [{"from": "*", "to": "./mesh"}]}),
    "a file without target": platform({"files": [{"from": "*"}]}),
    "no selector": platform({"selector": None}),
    "an empty selector": platform({"selector": {"matchLabels": {}}}),
    "a selector of something else": selector(os="linux", libc="musl"),
    "a selector of nothing known": selector(os="plan9"),
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_what_krew_refuses_is_told(change: Callable[[Json], object]) -> None:
    """Each violation of a rule is reported."""
    assert judged(change)


GOOD_CHANGES = {
    "nothing": spec({}),
    "a version before a release": spec({"version": "v1.0.0-rc.1+build.5"}),
    "files": platform({"files": [{"from": "*", "to": "."}, {"from": "a", "to": "b/c"}]}),
    "one label": selector(os="darwin"),
    "an expression": selector({"key": "os", "operator": "In", "values": ["darwin", "linux"]}),
    "labels and an expression": selector({"key": "arch", "operator": "NotIn", "values": ["arm"]}, os="linux"),
}


@pytest.mark.parametrize("change", GOOD_CHANGES.values(), ids=GOOD_CHANGES)
def test_what_krew_takes_passes(change: Callable[[Json], object]) -> None:
    """Manifests that krew accepts have no problems."""
    assert judged(change) == []


def test_overlap_is_told() -> None:
    """Two platforms that select the same machine are reported, with the machine."""
    document = copy.deepcopy(GOOD)
    other = {"selector": {"matchExpressions": [{"key": "os", "operator": "NotIn", "values": ["windows"]}]}}
    document["spec"]["platforms"].append({**document["spec"]["platforms"][0], **other})
    assert problems(document, file_name="mesh.yaml") == ["spec.platforms [0, 1] all select linux/amd64"]
