"""Paths of a command line → texts: files, directories, globs and standard input."""

import os
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path

from simulator.model.errors import ManifestError

SUFFIXES = frozenset({".yaml", ".yml", ".json"})
STDIN = "<stdin>"
_PERMISSIONS = "check its permissions"


def read_texts(
    paths: Sequence[str],
    *,
    stdin: Callable[[], bytes] | None = None,
    refused: Callable[[ManifestError], None] | None = None,
) -> Iterator[tuple[str, str]]:
    """Yield (source, text) of every file that `paths` name, each file once, directories in order of name.

    A directory stands for its *.yaml, *.yml and *.json files at any depth, `-` for what `stdin` returns. What cannot be
    read raises ManifestError; files and folders found in a directory are handed to `refused` instead, if it is given.
    """
    seen: set[Path] = set()
    for path in paths:
        if path == "-":
            if stdin is None:
                raise ManifestError("standard input cannot be read here", path=STDIN, hint="name a file or directory")
            yield STDIN, _decode(stdin(), source=STDIN)
            continue
        for file in _expand(path, refused or _raise):
            resolved = _resolve(file)
            if resolved in seen:
                continue
            seen.add(resolved)
            try:
                text = _decode(_read(file), source=str(file))
            except ManifestError as error:
                if refused is None or file == Path(path):
                    raise
                refused(error)
            else:
                yield str(file), text


def _raise(error: ManifestError) -> None:
    raise error


def _expand(path: str, refused: Callable[[ManifestError], None]) -> Iterator[Path]:
    if not path:
        raise ManifestError("no file has an empty name", path='""', hint="is a variable of the shell not set?")
    if path.startswith(("http://", "https://")):
        raise ManifestError("addresses are not downloaded", path=path, hint=f"curl -sL {path} | … -f -")
    if has_magic(path) and not _exists(Path(path)):
        matches = sorted(glob(path, recursive=True))
        if not matches:
            raise ManifestError(
                "no file matches this pattern", path=path, hint="quote the pattern if the shell changes it"
            )
        for match in matches:
            yield from _files(Path(match), refused, is_match=True)
        return
    yield from _files(Path(path), refused, is_match=False)


def _files(path: Path, refused: Callable[[ManifestError], None], *, is_match: bool) -> Iterator[Path]:
    if not _is_directory(path):
        yield path
        return
    errors: list[ManifestError] = []
    files = _below(path, errors)
    for error in errors:
        refused(error)
    if not files and not errors and not is_match:
        raise ManifestError(
            "no manifests in this directory",
            path=str(path),
            hint="a directory is searched for *.yaml, *.yml and *.json",
        )
    yield from files


def _below(directory: Path, errors: list[ManifestError]) -> list[Path]:
    """Return the manifests below a directory, in order; links to directories are not followed."""

    def unreadable(error: OSError) -> None:
        errors.append(ManifestError(f"cannot be read: {error.strerror}", path=str(error.filename), hint=_PERMISSIONS))

    found = [
        file
        for folder, _, names in os.walk(directory, onerror=unreadable)
        for file in map(Path(folder).joinpath, names)
        if file.suffix.lower() in SUFFIXES and _is_file_or_dangling(file)
    ]
    return sorted(found, key=lambda file: file.relative_to(directory).parts)


def _is_file_or_dangling(path: Path) -> bool:
    """Tell files from folders. A link to nowhere is taken for a file, so that reading it says what is wrong."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long a name, or a NUL in it: reading it says what is wrong
        return False


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):  # RuntimeError: a loop of symbolic links
        return path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise ManifestError(
                f"a symbolic link to {os.readlink(path)}, which does not exist", path=str(path), hint="mend the link"
            ) from error
        raise ManifestError("no such file or directory", path=str(path), hint="check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = _PERMISSIONS if isinstance(error, PermissionError) else ""
        raise ManifestError(f"cannot be read: {reason}", path=str(path), hint=hint) from error


def _decode(data: bytes, *, source: str) -> str:
    """Decode UTF-8, or UTF-16 that says so, which is what PowerShell's `>` writes; kubectl reads both."""
    try:
        text = data.decode("utf-16" if data[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(
            "not UTF-8 text",
            path=source,
            line=data.count(b"\n", 0, error.start) + 1,
            hint="manifests are UTF-8 YAML or JSON; is this a binary or an archive?",
        ) from error
    if "\0" in text:
        raise ManifestError(
            "looks like a binary file",
            path=source,
            line=text.count("\n", 0, text.index("\0")) + 1,
            hint="manifests are UTF-8 YAML or JSON",
        )
    return text
