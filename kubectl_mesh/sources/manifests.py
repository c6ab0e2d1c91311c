"""Files as they are, for commands that look at what is written rather than at the mesh it makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kubectl_mesh.errors import InputError
from kubectl_mesh.reports.findings import Unread
from kubectl_mesh.sources.standard_input import standard_input
from simulator.model.errors import ManifestError, SimulatorError
from simulator.model.resources import Resource
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """Resources in the order of the files, and documents that could not be read, with the reason."""

    resources: tuple[Resource, ...] = ()
    replaced: tuple[tuple[Resource, Resource], ...] = ()
    """Resources that a later one of the same name replaces, each with that one."""
    unread: tuple[Unread, ...] = ()


def read_files(paths: Sequence[str], *, namespace: str) -> Manifests:
    """Read files, directories, globs and `-`; `namespace` (may be empty) is for objects that name none."""
    from simulator.manifests.reading import read_what_is_readable

    refused: list[ManifestError] = []
    replaced: list[tuple[Resource, Resource]] = []
    try:
        resources = read_what_is_readable(
            paths,
            refused=refused.append,
            replaced=lambda earlier, later: replaced.append((earlier, later)),
            default_namespace=namespace,
            stdin=standard_input,
        )
    except SimulatorError as error:
        raise InputError(str(error), hint=error.hint) from error
    unread = tuple(Unread(reason=str(error), hint=error.hint) for error in refused)
    return Manifests(resources=resources, replaced=tuple(replaced), unread=unread)


def read_document(path: str) -> Json:
    """Read a file of one YAML or JSON object."""
    value = read_value(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: not an object")
    return value


def read_value(path: str) -> object:
    """Read a file of one YAML or JSON value."""
    import yaml

    try:
        text = Path(path).read_text(encoding="utf-8")
        value: object = yaml.load(text, Loader=yaml.CSafeLoader)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}", hint="check the path") from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from error
    return value
