"""Secrets of type `kubernetes.io/service-account-token`, filled with the token of their account as a controller does.

Kubernetes: pkg/controller/serviceaccount/tokens_controller.go. `istioctl create-remote-secret` waits for one.
"""

import base64
from typing import Protocol

from simulator.apiserver.catalog import Catalog
from simulator.apiserver.furniture import KUBERNETES_ROOT
from simulator.apiserver.keeper import Keeper
from simulator.apiserver.objects import Target
from simulator.apiserver.storage import Key
from simulator.model.wire import Json

TYPE = "kubernetes.io/service-account-token"
_ACCOUNT = "kubernetes.io/service-account"
_LIFETIME = 1 << 32


class Issuer(Protocol):
    """Issues the tokens of service accounts."""

    def request(self, target: Target, body: object) -> Json:
        """Answer a TokenRequest for a service account."""
        ...


def filled(secret: Json, *, namespace: str, keeper: Keeper, issuer: Issuer) -> Json:
    """Return a secret with the token of the account that it names; any other, or one without an account, as it is."""
    annotations = (secret.get("metadata") or {}).get("annotations") or {}
    name = annotations.get(f"{_ACCOUNT}.name", "")
    account = keeper.store.get(Key("serviceaccounts", namespace, name))
    if secret.get("type") != TYPE or account is None:
        return secret
    target = _account(keeper.catalog, namespace, name)
    token = issuer.request(target, {"spec": {"expirationSeconds": _LIFETIME}})["status"]["token"]
    content = {"ca.crt": keeper.roots.get(KUBERNETES_ROOT, ""), "namespace": namespace, "token": token}
    data = {field: base64.b64encode(text.encode()).decode() for field, text in content.items()}
    named = annotations | {f"{_ACCOUNT}.uid": account["metadata"]["uid"]}
    return secret | {
        "metadata": secret["metadata"] | {"annotations": named},
        "data": (secret.get("data") or {}) | data,
    }


def _account(catalog: Catalog, namespace: str, name: str) -> Target:
    found = catalog.of("", "ServiceAccount")
    assert found is not None
    return Target(type=found, version="v1", namespace=namespace, name=name)
