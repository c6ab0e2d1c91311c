"""The manifest that is rendered for archives."""

from pathlib import Path

import pytest
import yaml

from krew import manifest, validation
from krew.archive import digest
from krew.platforms import Platform, archive_name, archives
from kubectl_mesh.cli.program import PLUGIN

LINUX, MAC = Platform(os="linux", arch="amd64"), Platform(os="darwin", arch="arm64")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.1.0", "v0.1.0"),
        ("1.2", "v1.2.0"),
        ("1.0.0rc2", "v1.0.0-rc.2"),
        ("1.0.0a1.dev3", "v1.0.0-alpha.1.dev.3"),
        ("1.0.dev4", "v1.0.0-dev.4"),
    ],
)
def test_version_becomes_semantic(version: str, expected: str) -> None:
    """A Python version becomes the semantic version that krew sorts in the same order."""
    assert manifest.semantic_version(version) == expected


@pytest.mark.parametrize("version", ["1!2.0", "1.0.0.1", "1.0.post1", "1.0+local", "x"])
def test_version_without_semantic_form_is_refused(version: str) -> None:
    """A version without a semantic form is refused, not approximated."""
    with pytest.raises(ValueError, match="not a release version"):
        manifest.semantic_version(version)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with archives of two platforms, one of an older version and other files."""
    for name in (
        archive_name(PLUGIN, "v1.0.0", LINUX),
        archive_name(PLUGIN, "v1.0.0", MAC),
        archive_name(PLUGIN, "v0.9.0", MAC),
        archive_name("other", "v1.0.0", MAC),
        "sources.tar.gz",
    ):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def rendered(folder: Path) -> str:
    """Render the manifest of the archives in a folder."""
    return manifest.render(
        archives(folder, plugin=PLUGIN, version="v1.0.0"),
        plugin=PLUGIN,
        version="v1.0.0",
        homepage="https://mesh.test/",
        url="https://mesh.test/downloads/{version}/",
    )


def test_archives_of_the_version_are_found(folder: Path) -> None:
    """Only archives of this plugin and version are used; other files are ignored."""
    found = archives(folder, plugin=PLUGIN, version="v1.0.0")
    assert list(found) == [MAC, LINUX]


def test_each_archive_is_a_platform(folder: Path) -> None:
    """Each archive becomes a platform with its address, digest and program."""
    platforms = yaml.safe_load(rendered(folder))["spec"]["platforms"]
    name = archive_name(PLUGIN, "v1.0.0", LINUX)
    assert len(platforms) == 2
    assert platforms[1] == {
        "selector": {"matchLabels": {"os": "linux", "arch": "amd64"}},
        "uri": f"https://mesh.test/downloads/v1.0.0/{name}",
        "sha256": digest(folder / name),
        "bin": f"kubectl-{PLUGIN}",
    }


def test_rendered_manifest_is_good(folder: Path) -> None:
    """The rendered template passes krew's rules, with a description that fits a terminal."""
    document = yaml.safe_load(rendered(folder))
    assert validation.problems(document, file_name=f"{PLUGIN}.yaml") == []
    spec = document["spec"]
    assert max(len(line) for line in (spec["description"] + spec["caveats"]).splitlines()) <= 80
    assert "$" not in spec["description"] + spec["caveats"]


def test_rendering_is_stable(folder: Path) -> None:
    """The same archives give the same bytes."""
    assert rendered(folder) == rendered(folder)
