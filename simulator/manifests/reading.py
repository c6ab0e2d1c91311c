"""Manifests → resources: the one entry for files, directories, globs and standard input."""

from collections.abc import Callable, Iterable, Sequence

from simulator.manifests.defaulting import apply_defaults
from simulator.manifests.documents import documents
from simulator.manifests.files import STDIN, read_texts
from simulator.manifests.garbage_collection import collector_paused
from simulator.manifests.objects import check_unique, defined_scopes, to_resource
from simulator.model.errors import ManifestError
from simulator.model.resources import Resource

Progress = Callable[[str, int, int], None]
"""Called from time to time with the file being read, the number of documents read so far, and how many there are."""


def read_manifests(
    paths: Sequence[str], *, stdin: Callable[[], bytes] | None = None, progress: Progress | None = None
) -> tuple[Resource, ...]:
    """Read resources from files, directories (recursively), globs and `-`, with server-side defaults applied.

    Raises ManifestError, which names file and line, for anything that kubectl would refuse to read.
    """
    found = _resources(read_texts(paths, stdin=stdin), progress=progress)
    if paths and not found:
        named = ", ".join(STDIN if path == "-" else path for path in paths)
        hint = "did what writes the manifests fail? kustomizations are built first: kustomize build"
        raise ManifestError("no objects in it", path=named, hint=hint)
    return found


def read_what_is_readable(
    paths: Sequence[str],
    *,
    refused: Callable[[ManifestError], None],
    replaced: Callable[[Resource, Resource], None] = lambda earlier, later: None,
    default_namespace: str,
    stdin: Callable[[], bytes] | None = None,
) -> tuple[Resource, ...]:
    """Read resources as `read_manifests` does, but hand what cannot be read to `refused` and go on.

    Of two resources of one name the later wins, as when both are applied in turn; where they differ, `replaced` is
    called with both. An empty `default_namespace` leaves a missing namespace missing. Raises ManifestError for a path
    that cannot be read at all.
    """
    with collector_paused():
        read = list(documents(read_texts(paths, stdin=stdin, refused=refused), progress=None, refused=refused))
        scopes = defined_scopes(read)
        found: dict[tuple[str, str, str, str], Resource] = {}
        for document in read:
            try:
                resource = to_resource(document, scopes=scopes, default_namespace=default_namespace, incomplete=True)
            except ManifestError as error:
                refused(error)
                continue
            if resource is not None:
                key = resource.group, resource.kind, resource.namespace, resource.name
                earlier = found.get(key)
                if earlier is not None and _text(earlier) == _text(resource):
                    continue  # an exact repetition: the first keeps its place
                apply_defaults(resource)
                if earlier is not None and earlier.document != resource.document:
                    replaced(earlier, resource)
                found[key] = resource
        return tuple(found.values())


def _text(resource: Resource) -> str:
    return resource.origin.text.removeprefix("---").strip()


def parse_manifests(text: str, *, source: str = "<text>") -> tuple[Resource, ...]:
    """Read resources from a text; `source` is the name that origins and errors give it."""
    return _resources([(source, text)], progress=None)


def _resources(texts: Iterable[tuple[str, str]], *, progress: Progress | None) -> tuple[Resource, ...]:
    with collector_paused():
        read = list(documents(texts, progress=progress))
        if progress is not None and read:
            progress(read[-1].source, len(read), len(read))
        scopes = defined_scopes(read)
        made = (to_resource(document, scopes=scopes) for document in read)
        resources = tuple(resource for resource in made if resource is not None)
        check_unique(resources)
        for resource in resources:
            apply_defaults(resource)
        return resources
