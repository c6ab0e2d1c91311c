"""Documents → resources: identity, namespaces, and what the API server refuses at once.

A document must be an object with `apiVersion`, `kind` and a name; unknown kinds are kept. Objects that configure
other tools (kustomize, istioctl, this one) are not part of a cluster and are skipped.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.manifests.documents import Document
from simulator.manifests.kinds import find_kind, group_of
from simulator.manifests.shapes import ShapeError, conform, conform_fields
from simulator.model.errors import ManifestError
from simulator.model.resources import ObjectRef, Origin, Resource
from simulator.model.wire import Json

_OTHER_TOOLS = frozenset(
    {
        "kustomize.config.k8s.io",
        "config.kubernetes.io",
        "install.istio.io",
        "kubectl-mesh",
        "kind.x-k8s.io",
        "kubeadm.k8s.io",
    }
)
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
"""Files that kustomize reads; in them `apiVersion` and `kind` may be left out."""
_METADATA: Json = {
    "labels": {"*": "string"},
    "annotations": {"*": "string"},
    "creationTimestamp": "string",
    "uid": "string",
    "resourceVersion": "string",
    "ownerReferences": [{"apiVersion": "string", "kind": "string", "name": "string", "controller": "boolean"}],
}
_NAME = re.compile(r"[^\x00-\x1f\x7f/%]+\Z")


class _Invalid(Exception):
    """A mistake in a document, with the path of its field."""

    def __init__(self, message: str, *path: str | int, hint: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.hint = hint


def to_resource(
    document: Document,
    *,
    scopes: Mapping[tuple[str, str], bool],
    default_namespace: str = "default",
    incomplete: bool = False,
) -> Resource | None:
    """Return the resource that a document describes; None for one that belongs to another tool.

    `scopes` has, for each kind that the manifests define, whether it is namespaced. Namespaced objects that name no
    namespace get `default_namespace`; readers that must recognise them pass an empty one. `incomplete` accepts
    objects that lack a required field.
    """
    value = document.value
    if document.source.endswith(_KUSTOMIZATIONS) and type(value) is dict and "kind" not in value:
        return None
    origin = Origin(source=document.source, line=document.line, text=document.text)
    try:
        kind, api_version = _type_of(value)
        if group_of(api_version) in _OTHER_TOOLS:
            return None
        metadata = _metadata(value, kind=kind)
        namespaced = _is_namespaced(api_version, kind, scopes)
        namespace = _namespace(metadata, namespaced=namespaced, default=default_namespace)
        _check_metadata(metadata)
        _conform(value, group=group_of(api_version), kind=kind, incomplete=incomplete)
    except _Invalid as error:
        raise located(str(error), origin=origin, path=error.path, hint=error.hint) from None
    except ShapeError as error:
        where = ObjectRef(kind=kind, namespace=namespace, name=metadata["name"])
        raise located(f"{where} {error}", origin=origin, path=error.path, hint=error.hint) from None
    return Resource(
        kind=kind, api_version=api_version, namespace=namespace, name=metadata["name"], document=value, origin=origin
    )


def _conform(value: Json, *, group: str, kind: str, incomplete: bool) -> None:
    try:
        conform(value, group=group, kind=kind)
    except ShapeError as error:
        if not (incomplete and error.is_missing):
            raise


def located(message: str, *, origin: Origin, path: Iterable[str | int] = (), hint: str = "") -> ManifestError:
    """Return an error that points at a field of a document."""
    from simulator.manifests.positions import line_of

    return ManifestError(message, path=origin.source, line=line_of(origin, tuple(path)), hint=hint)


def check_unique(resources: Iterable[Resource]) -> None:
    """Raise ManifestError when two resources have one group, kind, namespace and name."""
    seen: dict[tuple[str, str, str, str], Resource] = {}
    for resource in resources:
        first = seen.setdefault((resource.group, resource.kind, resource.namespace, resource.name), resource)
        if first is not resource:
            raise ManifestError(
                f"{resource.ref} is defined twice: first at {first.origin}",
                path=resource.origin.source,
                line=resource.origin.line,
                hint="remove one of the two, or give them different names or namespaces",
            )


def defined_scopes(documents: Iterable[Document]) -> dict[tuple[str, str], bool]:
    """Read from CustomResourceDefinitions whether the kinds they define are namespaced."""
    scopes: dict[tuple[str, str], bool] = {}
    for document in documents:
        value = document.value
        if type(value) is not dict or value.get("kind") != "CustomResourceDefinition":
            continue
        spec = value.get("spec")
        names = spec.get("names") if type(spec) is dict else None
        if type(spec) is dict and type(names) is dict and type(names.get("kind")) is str:
            scopes[str(spec.get("group")), names["kind"]] = spec.get("scope") != "Cluster"
    return scopes


def _type_of(value: Any) -> tuple[str, str]:
    if type(value) is not dict:
        what = "a list" if type(value) is list else "text" if type(value) is str else "a single value"
        raise _Invalid(f"not a Kubernetes object but {what}", hint="an object has apiVersion, kind and metadata")
    for field in ("apiVersion", "kind"):
        text = value.get(field)
        if text is None or text == "":
            hint = "is this a Helm values file? render it first: helm template" if "metadata" not in value else ""
            raise _Invalid(f"object has no {field}", hint=hint or f"add {field}: to the object")
        if type(text) is not str:
            raise _Invalid(f"{field} must be a string", field)
    kind = value["kind"]
    if not kind.isidentifier():
        raise _Invalid(f"kind {kind!r} is not a name", "kind")
    return kind, value["apiVersion"]


def _metadata(value: Json, *, kind: str) -> Json:
    metadata = value.get("metadata")
    if metadata is None:
        raise _Invalid(f"{kind} has no metadata", hint="add metadata: with a name")
    if type(metadata) is not dict:
        raise _Invalid(f"{kind}: metadata must be a mapping", "metadata")
    name = metadata.get("name")
    if name is None and type(metadata.get("generateName")) is str and metadata["generateName"]:
        name = metadata["name"] = f"{metadata['generateName']}00000"
    if name is None or name == "":
        raise _Invalid(f"{kind} has no name", "metadata", hint="add metadata.name")
    if type(name) is not str:
        raise _Invalid(f"{kind}: metadata.name must be a string", "metadata", "name", hint=f'quote it: "{name}"')
    if not _NAME.match(name):
        raise _Invalid(f"{kind}: metadata.name {name!r} has characters that names cannot have", "metadata", "name")
    return metadata


def _is_namespaced(api_version: str, kind: str, scopes: Mapping[tuple[str, str], bool]) -> bool:
    known = find_kind(api_version, kind)
    return known.namespaced if known else scopes.get((group_of(api_version), kind), True)


def _namespace(metadata: Json, *, namespaced: bool, default: str) -> str:
    namespace = metadata.get("namespace")
    if namespace is not None and type(namespace) is not str:
        raise _Invalid("metadata.namespace must be a string", "metadata", "namespace", hint=f'quote it: "{namespace}"')
    if not namespaced:
        metadata.pop("namespace", None)
        return ""
    if not namespace and not default:
        return ""
    if not namespace:
        namespace = metadata["namespace"] = default
    if not _NAME.match(namespace):
        raise _Invalid(
            f"metadata.namespace {namespace!r} has characters that names cannot have", "metadata", "namespace"
        )
    return namespace


def _check_metadata(metadata: Json) -> None:
    conform_fields(metadata, _METADATA, path=("metadata",))
