"""A Kubernetes or Istio resource and where it came from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.model.wire import Json


def field_path(steps: Iterable[str | int]) -> str:
    """Write the path of a field as kubectl does: `spec.http[0].route`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a resource was read: a file, or an API path with line 0.

    `text` is the YAML text of its document (shared, not copied); `simulator.manifests.positions` finds the line of a
    field in it when a message needs one, since working out every line up front would cost more than reading the file.
    """

    source: str
    line: int = 0
    text: str = field(default="", repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ObjectRef:
    """The identity of a resource: kind, namespace (empty when cluster-scoped) and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The field of a resource that an Envoy resource was made from, such as `("spec", "http", 2, "match", 0)`."""

    ref: ObjectRef
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"{self.ref} {field_path(self.path)}".rstrip()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Resource:
    """One resource, its document exactly as the API server would hold it (defaults applied).

    Compared and hashed by identity: two resources with equal documents are still two resources, and a resource may be
    part of a key under which something derived from it is kept.
    """

    kind: str
    api_version: str
    namespace: str
    name: str
    document: Json = field(repr=False)
    origin: Origin = field(repr=False)

    @property
    def ref(self) -> ObjectRef:
        """Identity without content."""
        return ObjectRef(kind=self.kind, namespace=self.namespace, name=self.name)

    @property
    def group(self) -> str:
        """API group; empty for the core group."""
        group, slash, _ = self.api_version.partition("/")
        return group if slash else ""

    @property
    def metadata(self) -> Json:
        """`metadata`, empty when absent."""
        return self.document.get("metadata") or {}

    @property
    def spec(self) -> Json:
        """`spec`, empty when absent."""
        return self.document.get("spec") or {}

    @property
    def status(self) -> Json:
        """`status`, empty when absent."""
        return self.document.get("status") or {}

    @property
    def labels(self) -> Mapping[str, str]:
        """`metadata.labels`, empty when absent."""
        return self.metadata.get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        """`metadata.annotations`, empty when absent."""
        return self.metadata.get("annotations") or {}

    @property
    def created(self) -> str:
        """`metadata.creationTimestamp` (RFC 3339, sorts as text); empty when absent, which sorts first as in istiod."""
        return self.metadata.get("creationTimestamp") or ""

    def get(self, *path: str, default: Any = None) -> Any:
        """Follow `path` through nested objects of the document; `default` where a step is missing or null."""
        value: Any = self.document
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
            if value is None:
                return default
        return value
