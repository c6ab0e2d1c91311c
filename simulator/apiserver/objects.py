"""The API server's checks and changes of objects that are written."""

import re
import secrets
from dataclasses import dataclass

from simulator.apiserver.catalog import ResourceType
from simulator.apiserver.statuses import StatusError, bad_request, invalid
from simulator.apiserver.storage import Key
from simulator.model.resources import Origin, Resource
from simulator.model.wire import Json

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z")
_PATH_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[^/%]+\Z")
_RBAC = "rbac.authorization.k8s.io"
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path names: a type in a version, and optionally a namespace, an object and a path below that."""

    type: ResourceType
    version: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> Key:
        """The stored object's key."""
        return Key(self.type.id, self.namespace if self.type.kind.namespaced else "", self.name)

    @property
    def api_version(self) -> str:
        """The requested version, with its group."""
        return self.type.api_version(self.version)

    @property
    def scope(self) -> str | None:
        """The namespace of a list; None for all of them."""
        return self.namespace or None


def as_resource(target: Target, document: Json) -> Resource:
    """Return an object as a resource, as readers of manifests expect it."""
    return Resource(
        kind=target.type.kind.name,
        api_version=target.api_version,
        namespace=target.namespace,
        name=target.name,
        document=document,
        origin=Origin(source=f"{target.type.kind.plural}/{target.name}"),
    )


def check_shape(target: Target, document: object) -> Json:
    """Return the body of a write if it is an object of the target's kind. Raises StatusError otherwise."""
    if not isinstance(document, dict) or not isinstance(document.get("metadata", {}), dict):
        raise bad_request("the body of the request is not an object with metadata")
    kind, version = document.get("kind") or target.type.kind.name, document.get("apiVersion") or target.api_version
    if kind != target.type.kind.name:
        raise bad_request(
            f"the kind of the provided object does not match the kind expected: {kind} is no {target.type.kind.name}"
        )
    if version != target.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({target.api_version})"
        )
    for field in ("spec", "status"):
        if not isinstance(document.get(field), dict | None):
            raise bad_request(f"{kind} in version {version!r} cannot be handled as a {kind}: {field} is not an object")
    metadata = dict(document.get("metadata") or {})
    _check_maps(target, metadata)
    if metadata.get("namespace") not in (None, "", target.namespace):
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    return document | {"apiVersion": version, "kind": kind, "metadata": metadata}


def _check_maps(target: Target, metadata: Json) -> None:
    name = str(metadata.get("name", target.name))
    for field in ("labels", "annotations"):
        values = metadata.get(field)
        if values is not None and not (
            isinstance(values, dict) and all(isinstance(each, str) for each in values.values())
        ):
            cause = (f"metadata.{field}", f"Invalid value: {values!r}: must be a map of strings to strings")
            raise invalid(target.type.kind.name, target.type.kind.group, name, [cause])
    references = metadata.get("ownerReferences")
    if references is not None and not (
        isinstance(references, list) and all(isinstance(each, dict) for each in references)
    ):
        cause = ("metadata.ownerReferences", "Invalid value: must be a list of references")
        raise invalid(target.type.kind.name, target.type.kind.group, name, [cause])


def new_name(target: Target, document: Json) -> str:
    """Return the name of an object to be created. Raises StatusError where it is absent or not allowed."""
    metadata = document["metadata"]
    name, prefix = metadata.get("name"), metadata.get("generateName")
    if not name and isinstance(prefix, str) and prefix:
        name = prefix + "".join(secrets.choice(_SUFFIX) for _ in range(5))
    kind, group = target.type.kind.name, target.type.kind.group
    if not isinstance(name, str) or not name:
        raise invalid(kind, group, "", [("metadata.name", "Required value: name or generateName is required")])
    pattern, rule = (_PATH_SEGMENT, "may not contain '/' or '%'") if group == _RBAC else (
        _SUBDOMAIN,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        "and end with an alphanumeric character",
    )  # fmt: skip
    if not pattern.match(name) or len(name) > 253:
        raise invalid(kind, group, name, [("metadata.name", f'Invalid value: "{name}": {rule}')])
    return name


def same_name(target: Target, document: Json) -> None:
    """Raise StatusError for a write whose body names another object than its path."""
    name = document["metadata"].get("name") or target.name
    if name != target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")


def with_metadata(document: Json, **fields: object) -> Json:
    """Return a document with metadata fields set."""
    return document | {"metadata": document["metadata"] | fields}


def scale_of(document: Json) -> Json:
    """Return the Scale of a workload."""
    metadata = document["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    labels = ((document.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": (document.get("spec") or {}).get("replicas", 1)},
        "status": {
            "replicas": (document.get("status") or {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def scaled(document: Json, scale: Json) -> Json:
    """Return a workload with the replicas of a Scale."""
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        name = document["metadata"]["name"]
        raise invalid("Scale", "autoscaling", name, [("spec.replicas", f"Invalid value: {replicas!r}: must be ≥ 0")])
    return document | {"spec": (document.get("spec") or {}) | {"replicas": replicas}}


def immutable(target: Target, before: Json, after: Json) -> StatusError | None:
    """Return the error for a change of a field that is immutable; None for an allowed change."""
    group, kind = target.type.kind.group, target.type.kind.name
    if (group, kind) in (
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "DaemonSet"),
        ("apps", "StatefulSet"),
    ):
        old, new = ((each.get("spec") or {}).get("selector") for each in (before, after))
        if old != new:
            cause = ("spec.selector", f"Invalid value: {new!r}: field is immutable")
            return invalid(kind, group, target.name, [cause])
    return None
