"""Who a request comes from, and whether the RBAC objects in the store allow it.

The kubeconfig's own user is in `system:masters` and may do everything; whoever it impersonates, and every service
account token that was issued, may do what Roles and ClusterRoles grant. Kubernetes: plugin/pkg/auth/authorizer/rbac.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from simulator.apiserver.statuses import StatusError, forbidden
from simulator.apiserver.storage import Key, ObjectStore
from simulator.model.wire import Json

MASTERS = "system:masters"
_ROLES = {"Role": "roles", "ClusterRole": "clusterroles"}
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An authenticated user."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def document(self) -> Json:
        """Return the UserInfo that reviews answer with."""
        found: Json = {"username": self.name, "groups": list(self.groups)}
        if self.uid:
            found["uid"] = self.uid
        if self.extra:
            found["extra"] = {key: list(values) for key, values in self.extra.items()}
        return found


ADMIN = User(name="kubernetes-admin", groups=(MASTERS, "system:authenticated"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What a request wants to do. `path` is set for paths that belong to no resource."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """`pods/exec`, as rules spell it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def service_account(namespace: str, name: str, uid: str = "") -> User:
    """Return the user that a service account's token stands for."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return User(name=f"system:serviceaccount:{namespace}:{name}", groups=groups, uid=uid)


def impersonated(user: User, headers: Mapping[str, str], groups: Sequence[str]) -> User:
    """Return the user that `Impersonate-*` headers name, or `user` without them."""
    name = headers.get("Impersonate-User", "")
    if not name:
        return user
    if MASTERS not in user.groups:
        raise forbidden("users", "", name, f'User "{user.name}" cannot impersonate resource "users" in API group ""')
    if name.startswith("system:serviceaccount:") and not groups:
        _, _, namespace, account = name.split(":", 3) if name.count(":") == 3 else ("", "", "", "")
        if account:
            return service_account(namespace, account, headers.get("Impersonate-Uid", ""))
    listed = tuple(dict.fromkeys([*groups, "system:authenticated"]))
    return User(name=name, groups=listed, uid=headers.get("Impersonate-Uid", ""))


class Authorizer:
    """Evaluates the RBAC objects of a store."""

    def __init__(self, store: ObjectStore, *, forbids: Callable[[str], bool] = lambda _: False) -> None:
        self._store = store
        self._forbids = forbids
        """Resources that nobody may use, whatever the rules say."""

    def allows(self, user: User, wanted: Attributes) -> bool:
        """Tell whether `user` may do what is asked for."""
        if wanted.resource and self._forbids(wanted.full_resource):
            return False
        if MASTERS in user.groups:
            return True
        if wanted.path:
            return wanted.verb in ("get", "head") and "system:authenticated" in user.groups
        if wanted.group in ("authorization.k8s.io", "authentication.k8s.io") and wanted.resource.startswith(
            "selfsubject"
        ):
            return True
        return any(_grants(rule, wanted) for rule in self.rules(user, wanted.namespace))

    def require(self, user: User, wanted: Attributes) -> None:
        """Raise the API server's 403 where `user` may not do what is asked for."""
        if not self.allows(user, wanted):
            raise denial(user, wanted)

    def rules(self, user: User, namespace: str) -> Iterator[Json]:
        """Yield the rules that hold for `user` in a namespace; an empty one means the whole cluster."""
        if MASTERS in user.groups:
            yield {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
            yield {"nonResourceURLs": ["*"], "verbs": ["*"]}
            return
        scopes = [("clusterrolebindings", "")] + ([("rolebindings", namespace)] if namespace else [])
        for plural, scope in scopes:
            for _, binding in self._store.list(f"{plural}.{_RBAC}", scope if scope else None):
                if any(_is_subject(subject, user, scope) for subject in binding.get("subjects") or ()):
                    yield from self._role_rules(binding.get("roleRef") or {}, scope)

    def _role_rules(self, reference: Json, namespace: str) -> Sequence[Json]:
        kind = reference.get("kind", "")
        if kind not in _ROLES:
            return ()
        scope = namespace if kind == "Role" else ""
        role = self._store.get(Key(f"{_ROLES[kind]}.{_RBAC}", scope, reference.get("name", ""))) or {}
        return role.get("rules") or ()


def denial(user: User, wanted: Attributes) -> StatusError:
    """Return the 403 of a request that no rule allows."""
    if wanted.path:
        return StatusError(
            code=403,
            reason="Forbidden",
            message=f'forbidden: User "{user.name}" cannot {wanted.verb} path "{wanted.path}"',
        )
    return forbidden(wanted.resource, wanted.group, wanted.name, why_not(user, wanted))


def why_not(user: User, wanted: Attributes) -> str:
    """Return the reason for a denial: who may not do what where."""
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    return (
        f'User "{user.name}" cannot {wanted.verb} resource "{wanted.full_resource}" '
        f'in API group "{wanted.group}" {where}'
    )


def _is_subject(subject: Json, user: User, namespace: str) -> bool:
    name = subject.get("name", "")
    match subject.get("kind"):
        case "User":
            return bool(name == user.name)
        case "Group":
            return name in user.groups
        case "ServiceAccount":
            return bool(user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}")
    return False


def _grants(rule: Json, wanted: Attributes) -> bool:
    if not _listed(rule.get("verbs"), wanted.verb) or not _listed(rule.get("apiGroups"), wanted.group):
        return False
    resources = rule.get("resources") or ()
    below = f"*/{wanted.subresource}" if wanted.subresource else None
    if not ("*" in resources or wanted.full_resource in resources or (below and below in resources)):
        return False
    names = rule.get("resourceNames") or ()
    return not names or wanted.name in names


def _listed(values: Sequence[str] | None, wanted: str) -> bool:
    return bool(values) and ("*" in (values or ()) or wanted in (values or ()))
