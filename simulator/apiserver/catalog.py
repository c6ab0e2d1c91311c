"""Which resource types are served: those that every API server has, and those that CustomResourceDefinitions add."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from simulator.apiserver import events
from simulator.manifests.kinds import Kind, kinds
from simulator.model.wire import Json

READ = ("get", "list", "watch")
WRITE = ("create", "delete", "deletecollection", "patch", "update")
REVIEWS = frozenset(
    {
        "SelfSubjectReview",
        "TokenReview",
        "LocalSubjectAccessReview",
        "SelfSubjectAccessReview",
        "SelfSubjectRulesReview",
        "SubjectAccessReview",
    }
)
CUSTOM_GROUPS = (".istio.io", "gateway.networking.k8s.io", "gateway.networking.x-k8s.io")
_UNSERVED = frozenset({("", "Binding"), ("", "ComponentStatus")})
_ALL = frozenset(
    {
        "pods",
        "services",
        "replicationcontrollers",
        "daemonsets.apps",
        "deployments.apps",
        "replicasets.apps",
        "statefulsets.apps",
        "horizontalpodautoscalers.autoscaling",
        "cronjobs.batch",
        "jobs.batch",
    }
)
_SCALABLE = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})
_WITHOUT_STATUS = frozenset(
    {
        "ConfigMap", "Secret", "ServiceAccount", "Endpoints", "EndpointSlice", "Event", "Lease", "Role", "RoleBinding",
        "ClusterRole", "ClusterRoleBinding", "StorageClass", "PriorityClass", "RuntimeClass", "IngressClass",
        "NetworkPolicy", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ControllerRevision",
        "LimitRange", "PodTemplate", "CSIDriver", "CSINode", "CSIStorageCapacity", "IPAddress",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Subresource:
    """A path below an object: its verbs, and the type of its documents where that differs from the object's."""

    name: str
    verbs: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""


_POD_SUBRESOURCES = (
    Subresource(name="exec", verbs=("create", "get"), kind="PodExecOptions"),
    Subresource(name="log", verbs=("get",)),
    Subresource(name="portforward", verbs=("create", "get"), kind="PodPortForwardOptions"),
    Subresource(name="proxy", verbs=("create", "get"), kind="PodProxyOptions"),
    Subresource(name="eviction", verbs=("create",), kind="Eviction", group="policy", version="v1"),
)
_TOKEN = Subresource(name="token", verbs=("create",), kind="TokenRequest", group="authentication.k8s.io", version="v1")
_STATUS = Subresource(name="status", verbs=("get", "patch", "update"))
_SCALE = Subresource(name="scale", verbs=("get", "patch", "update"), kind="Scale", group="autoscaling", version="v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """A served resource type."""

    kind: Kind
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = field(default=(), repr=False)

    @property
    def id(self) -> str:
        """`plural.group`, the storage's name of the type; both APIs of events have one storage."""
        if self.kind.group == events.GROUP:
            return self.kind.plural
        return f"{self.kind.plural}.{self.kind.group}" if self.kind.group else self.kind.plural

    @property
    def verbs(self) -> tuple[str, ...]:
        """The verbs that it supports."""
        return ("create",) if self.kind.name in REVIEWS else (*WRITE, *READ)

    @property
    def custom(self) -> bool:
        """Defined by a CRD: strategic merge is not available."""
        return "CustomResourceDefinition" in self.categories or is_custom(self.kind.group)

    def api_version(self, version: str) -> str:
        """Spell group and version."""
        return f"{self.kind.group}/{version}" if self.kind.group else version

    def subresource(self, name: str) -> Subresource | None:
        """Return a subresource by name."""
        return next((entry for entry in self.subresources if entry.name == name), None)


def is_custom(group: str) -> bool:
    """Tell whether the kinds of a group come from CRDs that Istio or Gateway API installs."""
    return group.endswith(CUSTOM_GROUPS)


class Catalog:
    """The resource types at one time, by path and by kind."""

    def __init__(self, definitions: Iterable[Json] = ()) -> None:
        types = {
            identity: ResourceType(kind=kind, categories=_categories(kind), subresources=_subresources(kind))
            for identity, kind in kinds().items()
            if identity not in _UNSERVED
        }
        for definition in definitions:
            kind = defined_kind(definition)
            if kind is not None and (kind.group, kind.name) not in types:
                names = (definition.get("spec") or {}).get("names") or {}
                categories = tuple(names.get("categories") or ())
                types[kind.group, kind.name] = ResourceType(kind=kind, categories=categories, subresources=(_STATUS,))
        self.types: Sequence[ResourceType] = tuple(types.values())
        self._by_kind: Mapping[tuple[str, str], ResourceType] = types
        self._by_path = {(each.kind.group, each.kind.plural): each for each in self.types}

    def at(self, group: str, version: str, plural: str) -> ResourceType | None:
        """Return the type that a path names."""
        found = self._by_path.get((group, plural))
        return found if found is not None and version in found.kind.versions else None

    def named(self, group: str, plural: str) -> ResourceType | None:
        """Return a type in any version."""
        return self._by_path.get((group, plural))

    def of(self, group: str, kind: str) -> ResourceType | None:
        """Return the type of a kind."""
        return self._by_kind.get((group, kind))

    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Return the groups, core excepted, with their versions, the preferred one first."""
        found: dict[str, list[str]] = {}
        for each in self.types:
            if each.kind.group:
                versions = found.setdefault(each.kind.group, [])
                versions.extend(version for version in each.kind.versions if version not in versions)
        return {group: tuple(sorted(versions, key=_priority)) for group, versions in found.items()}

    def served(self, group: str, version: str) -> Sequence[ResourceType]:
        """Return the types of one group and version."""
        return tuple(each for each in self.types if each.kind.group == group and version in each.kind.versions)


def defined_kind(definition: Json) -> Kind | None:
    """Return the kind that a CustomResourceDefinition defines; None when it lacks a name or a served version."""
    spec = definition.get("spec") or {}
    names = spec.get("names") or {}
    listed = [version for version in spec.get("versions") or () if isinstance(version, dict)]
    versions = [version["name"] for version in listed if version.get("served", True) and version.get("name")]
    stored = [version["name"] for version in listed if version.get("storage") and version.get("name") in versions]
    if not (versions and names.get("kind") and names.get("plural") and spec.get("group")):
        return None
    return Kind(
        group=spec["group"],
        versions=tuple(dict.fromkeys([*stored, *versions])),
        name=names["kind"],
        plural=names["plural"],
        namespaced=spec.get("scope") != "Cluster",
        short_names=tuple(names.get("shortNames") or ()),
    )


def _priority(version: str) -> tuple[int, str]:
    stability = 2 if "alpha" in version else 1 if "beta" in version else 0
    return stability, version


def _categories(kind: Kind) -> tuple[str, ...]:
    resource = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
    if resource in _ALL:
        return ("all",)
    if kind.group == "gateway.networking.k8s.io":
        return ("gateway-api",)
    if kind.group.endswith(".istio.io"):
        return ("istio-io", kind.group.removesuffix(".io").replace(".", "-") + "-io")
    return ("api-extensions",) if kind.group in ("admissionregistration.k8s.io", "apiextensions.k8s.io") else ()


def _subresources(kind: Kind) -> tuple[Subresource, ...]:
    if kind.name in REVIEWS:
        return ()
    found: list[Subresource] = [] if kind.name in _WITHOUT_STATUS else [_STATUS]
    match kind.group, kind.name:
        case "", "Pod":
            found.extend(_POD_SUBRESOURCES)
        case "", "ServiceAccount":
            found.append(_TOKEN)
    if kind.name in _SCALABLE:
        found.append(_SCALE)
    return tuple(found)
