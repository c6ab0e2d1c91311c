"""Archives that krew unpacks."""

import io
import tarfile
from pathlib import Path

import pytest

from krew.archive import digest, pack, problems


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a folder as PyInstaller leaves it: a program, a library and links to both a file and a folder."""
    folder = tmp_path / "program"
    (folder / "_internal" / "lib").mkdir(parents=True)
    (folder / "kubectl-mesh").write_text("#!/bin/sh\n")
    (folder / "kubectl-mesh").chmod(0o755)
    (folder / "LICENSE").write_text("do as you like\n")
    (folder / "_internal" / "lib" / "a.so.1").write_text("library")
    (folder / "_internal" / "a.so").symlink_to("lib/a.so.1")
    (folder / "_internal" / "again").symlink_to("lib")
    return folder


def test_packed_folder_is_good(program: Path, tmp_path: Path) -> None:
    """A packed folder has no link left: each became a copy of what it led to."""
    target = tmp_path / "mesh.tar.gz"
    pack(program, target)
    assert problems(target, program="kubectl-mesh") == []
    with tarfile.open(target) as archive:
        copies = [archive.extractfile(f"_internal/{name}") for name in ("a.so", "again/a.so.1", "lib/a.so.1")]
        assert [copy.read() for copy in copies if copy] == [b"library"] * 3


def test_equal_folders_give_equal_archives(program: Path, tmp_path: Path) -> None:
    """Times and owners of files do not reach the archive."""
    first, second = tmp_path / "one.tar.gz", tmp_path / "two.tar.gz"
    pack(program, first)
    (program / "LICENSE").write_text("do as you like\n")
    pack(program, second)
    assert digest(first) == digest(second)
    with tarfile.open(second) as archive:
        assert {(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in archive} == {(0, 0, 0, "")}


def test_program_stays_executable(program: Path, tmp_path: Path) -> None:
    """The program can be executed once unpacked, and a document cannot."""
    target = tmp_path / "mesh.tar.gz"
    pack(program, target)
    with tarfile.open(target) as archive:
        assert [archive.getmember(name).mode for name in ("kubectl-mesh", "LICENSE")] == [0o755, 0o644]


def bad_archive(path: Path, *entries: tarfile.TarInfo) -> Path:
    """Write an archive of these entries."""
    with tarfile.open(path, "w:gz") as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(b"x" * entry.size))
    return path


def entry(name: str, *, kind: bytes = tarfile.REGTYPE, mode: int = 0o755) -> tarfile.TarInfo:
    """Make an empty entry of some kind."""
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.linkname = kind, mode, "kubectl-mesh" if kind in (b"1", b"2") else ""
    return made


@pytest.mark.parametrize(
    ("added", "told"),
    [
        (entry("link", kind=tarfile.SYMTYPE), "neither a file nor a folder"),
        (entry("link", kind=tarfile.LNKTYPE), "neither a file nor a folder"),
        (entry("/etc/passwd"), "absolute"),
        (entry("foo..bar"), "has .. in its name"),
    ],
)
def test_what_krew_does_not_unpack_is_told(added: tarfile.TarInfo, told: str, tmp_path: Path) -> None:
    """Links, absolute names and names with two dots are reported."""
    path = bad_archive(tmp_path / "bad.tar.gz", entry("kubectl-mesh"), entry("LICENSE"), added)
    (problem,) = problems(path, program="kubectl-mesh")
    assert told in problem


def test_incomplete_archive_is_told(tmp_path: Path) -> None:
    """A missing or not executable program, and a missing license, are reported."""
    path = bad_archive(tmp_path / "bad.tar.gz", entry("readme"))
    assert len(problems(path, program="kubectl-mesh")) == 2
    path = bad_archive(tmp_path / "bad.tar.gz", entry("kubectl-mesh", mode=0o644), entry("licenses.md"))
    assert problems(path, program="kubectl-mesh") == ["bad.tar.gz: kubectl-mesh cannot be executed"]
