"""The API server's checks of an object before any webhook: types, and for kinds of CRDs their whole schema.

Unknown fields are an error, a warning or ignored, as the client asks (`fieldValidation`), and never stored. CEL rules
of CRDs are not evaluated. Kubernetes: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver
(customresource_handler.go, validation).
"""

import copy
from collections.abc import Mapping, Sequence

from simulator.apiserver.objects import Target, as_resource
from simulator.apiserver.statuses import bad_request, invalid
from simulator.model.resources import field_path
from simulator.model.wire import Json

_NOT_JUDGED = frozenset({"metadata", "status"})


def checked(
    target: Target, document: Json, present: Json | None, query: Mapping[str, str]
) -> tuple[Json, Sequence[str]]:
    """Return an object as it is stored, with warnings for its writer. Raises StatusError for an invalid one.

    A write that changes nothing but metadata and status is not checked again.
    """
    if target.subresource or (present is not None and _judged(present) == _judged(document)):
        return document, ()
    from simulator.validation.crd import misfits

    document = copy.deepcopy(document)
    found = list(misfits(as_resource(target, document)))
    unknown = [one.path for one in found if one.is_unknown]
    told = [f'unknown field "{field_path(path)}"' for path in unknown]
    if told and query.get("fieldValidation") == "Strict":
        raise _unreadable(target, f"strict decoding error: {', '.join(told)}")
    wrong = [(field_path(one.path), one.text) for one in found if not one.is_unknown]
    if wrong:
        causes = [(field, f"Invalid value: {text.removeprefix(f'{field} ')}") for field, text in wrong]
        raise invalid(target.type.kind.name, target.type.kind.group, target.name, causes)
    for path in unknown:
        _drop(document, path)
    _conform(target, document)
    return document, told if query.get("fieldValidation") != "Ignore" else ()


def _judged(document: Json) -> Json:
    return {field: value for field, value in document.items() if field not in _NOT_JUDGED}


def _conform(target: Target, document: Json) -> None:
    """Check types, and drop null fields in place. Raises StatusError for a field of a wrong type."""
    from simulator.manifests.shapes import ShapeError, conform

    kind = target.type.kind
    try:
        conform(document, group=kind.group, kind=kind.name)
    except ShapeError as error:
        if not target.type.custom:
            raise _unreadable(target, str(error)) from error
        field = field_path(error.path)
        cause = (field, f"Invalid value: {str(error).removeprefix(f'{field} ')}")
        raise invalid(kind.name, kind.group, target.name, [cause]) from error


def _unreadable(target: Target, why: str) -> Exception:
    kind = target.type.kind.name
    return bad_request(f'{kind} in version "{target.version}" cannot be handled as a {kind}: {why}')


def _drop(document: Json, path: Sequence[str | int]) -> None:
    parent = document
    for step in path[:-1]:
        parent = parent[step]  # type: ignore[index]  # steps into lists are numbers
    del parent[path[-1]]  # type: ignore[arg-type]
