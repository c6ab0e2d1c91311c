import datetime
import ssl
import stat
import tempfile
from pathlib import Path

import pytest

from simulator.apiserver.authorization import ADMIN, Attributes, Authorizer, User, impersonated, service_account
from simulator.apiserver.gate import check_origin, user_of
from simulator.apiserver.kubeconfig import write_private
from simulator.apiserver.reviews import Tokens
from simulator.apiserver.statuses import StatusError
from simulator.apiserver.storage import Key, ObjectStore
from simulator.apiserver.tls import Authority

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
RBAC = "rbac.authorization.k8s.io"
BOB = User(name="bob", groups=("dev", "system:authenticated"))


def store_with_rules() -> ObjectStore:
    """Return a store in which bob may read pods of `shop`, and group `ops` everything."""
    store = ObjectStore(lambda: "2026-01-01T00:00:00Z")
    reader = {"rules": [{"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}]}
    store.put(Key(f"roles.{RBAC}", "shop", "reader"), reader)
    binding = {"roleRef": {"kind": "Role", "name": "reader"}, "subjects": [{"kind": "User", "name": "bob"}]}
    store.put(Key(f"rolebindings.{RBAC}", "shop", "readers"), binding)
    every = {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    store.put(Key(f"clusterroles.{RBAC}", "", "all"), every)
    binding = {"roleRef": {"kind": "ClusterRole", "name": "all"}, "subjects": [{"kind": "Group", "name": "ops"}]}
    store.put(Key(f"clusterrolebindings.{RBAC}", "", "ops"), binding)
    store.put(Key("serviceaccounts", "shop", "robot"), {})
    return store


@pytest.mark.parametrize(
    ("user", "wanted", "allowed"),
    [
        (ADMIN, Attributes(verb="delete", resource="nodes"), True),
        (BOB, Attributes(verb="list", resource="pods", namespace="shop"), True),
        (BOB, Attributes(verb="get", resource="pods", subresource="log", namespace="shop"), True),
        (BOB, Attributes(verb="create", resource="pods", subresource="exec", namespace="shop"), False),
        (BOB, Attributes(verb="list", resource="pods"), False),
        (BOB, Attributes(verb="list", resource="secrets", namespace="shop"), False),
        (BOB, Attributes(verb="get", path="/apis"), True),
        (User(name="eve", groups=("ops",)), Attributes(verb="list", resource="secrets"), True),
        (User(name="eve"), Attributes(verb="get", path="/apis"), False),
    ],
)
def test_rules_decide_who_may_do_what(user: User, wanted: Attributes, allowed: bool) -> None:
    """Roles grant in their namespace, ClusterRoles everywhere, nothing grants itself."""
    assert Authorizer(store_with_rules()).allows(user, wanted) is allowed


def test_a_denial_says_who_may_not_do_what_where() -> None:
    """403 has the words that kubectl shows its users."""
    with pytest.raises(StatusError) as denied:
        Authorizer(store_with_rules()).require(BOB, Attributes(verb="list", resource="pods", namespace="ops"))
    assert str(denied.value) == (
        'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "ops"'
    )


def test_only_the_administrator_may_impersonate() -> None:
    """`--as` works for the kubeconfig's user, but not for impersonated users."""
    assert impersonated(ADMIN, {"Impersonate-User": "bob"}, ["dev"]).groups == ("dev", "system:authenticated")
    robot = impersonated(ADMIN, {"Impersonate-User": "system:serviceaccount:shop:robot"}, [])
    assert "system:serviceaccounts:shop" in robot.groups
    with pytest.raises(StatusError):
        impersonated(BOB, {"Impersonate-User": "eve"}, [])


def test_tokens_stand_for_their_service_account_until_they_expire() -> None:
    """A token belongs to its account, expires as requested, and is invalid once it is changed."""
    from simulator.apiserver.catalog import Catalog
    from simulator.apiserver.objects import Target

    now = [NOW]
    tokens = Tokens(store_with_rules(), lambda: now[0])
    kind = Catalog().of("", "ServiceAccount")
    assert kind is not None
    target = Target(type=kind, version="v1", namespace="shop", name="robot", subresource="token")
    token = tokens.request(target, {"spec": {"audiences": ["istio-ca"], "expirationSeconds": 600}})["status"]["token"]
    owner = tokens.user(token)
    assert owner is not None
    assert owner.name == service_account("shop", "robot").name
    assert tokens.user(token[:-2] + "xx") is None
    now[0] = NOW + datetime.timedelta(seconds=601)
    assert tokens.user(token) is None


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ({"Host": "127.0.0.1:6443"}, True),
        ({"Host": "localhost:6443", "Origin": "https://localhost:6443"}, True),
        ({"Host": "[::1]:6443"}, True),
        ({"Host": "evil.example:6443"}, False),
        ({"Host": "127.0.0.1:6443", "Origin": "https://evil.example"}, False),
        ({"Host": "127.0.0.1:6443", "Origin": "null"}, False),
        ({}, False),
    ],
)
def test_only_pages_and_names_of_this_machine_are_served(headers: dict[str, str], admitted: bool) -> None:
    """Host and Origin keep out a browser that was lured to the port."""
    if admitted:
        check_origin(headers)
        return
    with pytest.raises(StatusError) as refused:
        check_origin(headers)
    assert refused.value.code == 403


def test_who_has_no_token_is_told_so() -> None:
    """Only health and version are answered without a token."""
    tokens = Tokens(store_with_rules(), lambda: NOW)
    assert user_of(tokens, {}, [], "/version").name == "system:anonymous"
    assert user_of(tokens, {"Authorization": f"Bearer {tokens.admin}"}, [], "/api") is ADMIN
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
        with pytest.raises(StatusError) as refused:
            user_of(tokens, headers, [], "/api")
        assert refused.value.code == 401


def test_equal_seeds_give_equal_certificates() -> None:
    """Certificates follow from the seed; another seed gives another authority."""
    one, two = (Authority(b"seed", now=NOW) for _ in range(2))
    assert one.issue("istiod", hosts=("istiod.svc",)).chain == two.issue("istiod", hosts=("istiod.svc",)).chain
    assert one.root != Authority(b"other", now=NOW).root


def test_identities_do_not_show_their_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is neither printed nor left in a file."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    identity = Authority(b"seed", now=NOW).issue("server", hosts=("127.0.0.1",))
    assert isinstance(identity.server_context(), ssl.SSLContext)
    assert b"PRIVATE" not in identity.chain
    assert "PRIVATE" not in repr(identity)
    assert list(tmp_path.iterdir()) == []


def test_kubeconfigs_are_their_owners_alone(tmp_path: Path) -> None:
    """The file that holds the token has mode 0600, also where it replaces another."""
    path = tmp_path / "kubeconfig"
    path.write_text("old")
    path.chmod(0o644)
    write_private(str(path), {"kind": "Config"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
