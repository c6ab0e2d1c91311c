"""krew's rules for manifests, checked so that no release is refused for its form.

krew: internal/index/validation/validate.go, internal/installation/move.go (clean paths),
cmd/validate-krew-manifest/main.go (platforms).
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from krew.platforms import KNOWN, Platform

_API_VERSION = "krew.googlecontainertools.github.com/v1alpha2"
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_DEVICES = frozenset({"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)})
_SHA256 = re.compile(r"[a-f0-9]{64}")
_NUMBER = r"(?:0|[1-9]\d*)"
_WORD = rf"(?:{_NUMBER}|\d*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"v{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_WORD}(?:\.{_WORD})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_SHORT = 50
"""Most characters of a short description, as reviewers of krew's index require."""
_KEYS = {"os", "arch"}


def problems(manifest: Mapping[str, Any], *, file_name: str) -> list[str]:
    """Return the reasons for which krew would refuse a manifest in a file of this name; none when it is valid."""
    return [*_of_identity(manifest, file_name), *_of_spec(manifest.get("spec") or {})]


def _of_identity(manifest: Mapping[str, Any], file_name: str) -> Iterator[str]:
    name = (manifest.get("metadata") or {}).get("name") or ""
    if manifest.get("apiVersion") != _API_VERSION:
        yield f"apiVersion is not {_API_VERSION}"
    if manifest.get("kind") != "Plugin":
        yield "kind is not Plugin"
    if not _NAME.fullmatch(name) or name.lower() in _DEVICES:
        yield f"metadata.name: {name!r} is not a safe name"
    if file_name != f"{name}.yaml":
        yield f"the file is called {file_name}, not {name}.yaml"


def _of_spec(spec: Mapping[str, Any]) -> Iterator[str]:
    version, short = spec.get("version"), spec.get("shortDescription") or ""
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        yield f"spec.version: {version!r} is not a semantic version with a leading v"
    if not short or "\n" in short or "\r" in short or len(short) > _SHORT:
        yield f"spec.shortDescription: must be one line of at most {_SHORT} characters"
    yield from (f"spec.{field} is empty" for field in ("description", "homepage") if not spec.get(field))
    platforms = spec.get("platforms") or []
    if not platforms:
        yield "spec.platforms is empty"
    for index, platform in enumerate(platforms):
        yield from (f"spec.platforms[{index}].{problem}" for problem in _of_platform(platform))
    yield from _overlaps(platforms)


def _of_platform(platform: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{field} is empty" for field in ("uri", "bin") if not platform.get(field))
    if not _SHA256.fullmatch(str(platform.get("sha256") or "")):
        yield "sha256: not 64 hexadecimal digits in lower case"
    if ".." in str(platform.get("bin") or "").split("/"):
        yield "bin leads out of the archive"
    yield from _of_files(platform)
    yield from _of_selector(platform.get("selector") or {})


def _of_files(platform: Mapping[str, Any]) -> Iterator[str]:
    if "files" not in platform or platform["files"] is None:
        return
    if not platform["files"]:
        yield "files: leave it out, or name some"
    for operation in platform["files"]:
        source, target = operation.get("from") or "", operation.get("to") or ""
        if not source or not target:
            yield "files: from and to are both needed"
        elif target != posixpath.normpath(target):
            yield f"files: to is {target!r}, which krew wants as {posixpath.normpath(target)!r}"


def _of_selector(selector: Mapping[str, Any]) -> Iterator[str]:
    labels, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    if not labels and not expressions:
        yield "selector is empty"
        return
    if labels == {} or expressions == []:
        yield "selector: a part of it is empty"
    unknown = {*(labels or {}), *(each.get("key") for each in expressions or ())} - _KEYS
    if unknown:
        yield f"selector: {', '.join(sorted(map(str, unknown)))} is not os or arch"
    elif not any(_selects(selector, platform) for platform in KNOWN):
        yield "selector: matches no platform that krew installs on"


def _overlaps(platforms: list[Mapping[str, Any]]) -> Iterator[str]:
    for known in KNOWN:
        chosen = [index for index, each in enumerate(platforms) if _selects(each.get("selector") or {}, known)]
        if len(chosen) > 1:
            yield f"spec.platforms {chosen} all select {known.os}/{known.arch}"


def _selects(selector: Mapping[str, Any], platform: Platform) -> bool:
    """Tell whether a label selector matches a platform, as Kubernetes reads selectors; an empty one selects nothing."""
    facts = {"os": platform.os, "arch": platform.arch}
    labels, expressions = selector.get("matchLabels") or {}, selector.get("matchExpressions") or []
    if not labels and not expressions:
        return False
    return all(facts.get(key) == value for key, value in labels.items()) and all(
        _holds(each, facts.get(str(each.get("key")))) for each in expressions
    )


def _holds(expression: Mapping[str, Any], value: str | None) -> bool:
    values = expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False
