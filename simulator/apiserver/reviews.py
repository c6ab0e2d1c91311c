"""Reviews of access and identity, and the tokens of service accounts.

Kubernetes: pkg/registry/authorization, pkg/registry/authentication, serviceaccount tokens (TokenRequest).
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from simulator.apiserver.authorization import ADMIN, Attributes, Authorizer, User, service_account, why_not
from simulator.apiserver.objects import Target, check_shape
from simulator.apiserver.statuses import bad_request, not_found
from simulator.apiserver.storage import Key, ObjectStore
from simulator.model.wire import Json

ISSUER = "https://kubernetes.default.svc.cluster.local"


class Tokens:
    """Issues and checks tokens, which are valid at this server only, and only while it runs."""

    def __init__(
        self, store: ObjectStore, now: Callable[[], datetime], *, expired: Callable[[], bool] = lambda: False
    ) -> None:
        self._store = store
        self._expired = expired
        self._now = now
        self._key = secrets.token_bytes(32)
        self.admin = secrets.token_urlsafe(32)
        """The token of the kubeconfig's user."""

    def user(self, token: str) -> User | None:
        """Return the user of a token; None for one that was not issued here or has expired."""
        return None if self._expired() else self.holder(token)

    def holder(self, token: str) -> User | None:
        """Return the user of a token, even where a fault declares all tokens expired."""
        if hmac.compare_digest(token.encode(), self.admin.encode()):
            return ADMIN
        claims = self._claims(token)
        if claims is None or claims["exp"] < self._now().timestamp():
            return None
        _, _, namespace, name = claims["sub"].split(":")
        uid = claims["kubernetes.io"]["serviceaccount"]["uid"]
        account = self._store.get(Key("serviceaccounts", namespace, name))
        if account is None or account["metadata"]["uid"] != uid:
            return None
        return service_account(namespace, name, uid)

    def request(self, target: Target, body: object) -> Json:
        """Answer a TokenRequest for a service account."""
        account = self._store.get(target.key)
        if account is None:
            raise not_found("serviceaccounts", "", target.name)
        if not isinstance(body, dict) or not isinstance(body.get("spec") or {}, dict):
            raise bad_request("a TokenRequest is an object with a spec")
        spec = body.get("spec") or {}
        seconds = spec.get("expirationSeconds") or 3600
        if not isinstance(seconds, int) or not 600 <= seconds <= 1 << 32:
            raise bad_request("may not specify a duration less than 10 minutes")
        audiences = spec.get("audiences") or [ISSUER]
        now = self._now()
        expires = now + timedelta(seconds=seconds)
        claims = {
            "aud": audiences,
            "exp": int(expires.timestamp()),
            "iat": int(now.timestamp()),
            "iss": ISSUER,
            "kubernetes.io": {
                "namespace": target.namespace,
                "serviceaccount": {"name": target.name, "uid": account["metadata"]["uid"]},
            },
            "sub": f"system:serviceaccount:{target.namespace}:{target.name}",
        }
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": target.name, "namespace": target.namespace, "creationTimestamp": None},
            "spec": {
                "audiences": audiences,
                "expirationSeconds": seconds,
                "boundObjectRef": spec.get("boundObjectRef"),
            },
            "status": {"token": self._sign(claims), "expirationTimestamp": expires.strftime("%Y-%m-%dT%H:%M:%SZ")},
        }

    def _sign(self, claims: Json) -> str:
        parts = [
            _encode(json.dumps(each, separators=(",", ":")).encode())
            for each in ({"alg": "HS256", "typ": "JWT"}, claims)
        ]
        signature = hmac.new(self._key, ".".join(parts).encode(), hashlib.sha256).digest()
        return ".".join([*parts, _encode(signature)])

    def _claims(self, token: str) -> Any:
        head, _, signature = token.rpartition(".")
        expected = _encode(hmac.new(self._key, head.encode(), hashlib.sha256).digest())
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            return None
        body = head.partition(".")[2]
        return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Reviews:
    """Answers the review kinds."""

    def __init__(self, authorizer: Authorizer, tokens: Tokens) -> None:
        self._authorizer = authorizer
        self._tokens = tokens

    def create(self, target: Target, body: object, user: User) -> Json:
        """Answer a review."""
        review = check_shape(target, body)
        spec = review.get("spec") or {}
        if not isinstance(spec, dict):
            raise bad_request("the spec of a review is an object")
        match target.type.kind.name:
            case "SelfSubjectAccessReview":
                status = self._access(user, spec)
            case "SubjectAccessReview" | "LocalSubjectAccessReview":
                named = User(name=str(spec.get("user", "")), groups=tuple(spec.get("groups") or ()))
                status = self._access(named, spec)
            case "SelfSubjectRulesReview":
                status = self._rules(user, str(spec.get("namespace", "")))
            case "TokenReview":
                owner = self._tokens.user(str(spec.get("token", "")))
                status = {"authenticated": owner is not None} | ({"user": owner.document()} if owner else {})
            case _:
                status = {"userInfo": user.document()}
        return review | {"metadata": {"creationTimestamp": None} | review["metadata"], "status": status}

    def _access(self, user: User, spec: Json) -> Json:
        if path := (spec.get("nonResourceAttributes") or {}).get("path"):
            asked = Attributes(verb=str(spec["nonResourceAttributes"].get("verb", "")), path=str(path))
        else:
            given = spec.get("resourceAttributes") or {}
            asked = Attributes(
                verb=str(given.get("verb", "")),
                group=str(given.get("group", "")),
                resource=str(given.get("resource", "")),
                subresource=str(given.get("subresource", "")),
                namespace=str(given.get("namespace", "")),
                name=str(given.get("name", "")),
            )
        if self._authorizer.allows(user, asked):
            return {"allowed": True, "reason": "RBAC: allowed"}
        return {"allowed": False, "reason": "" if asked.path else why_not(user, asked)}

    def _rules(self, user: User, namespace: str) -> Json:
        rules = list(self._authorizer.rules(user, namespace))
        fields = ("verbs", "apiGroups", "resources", "resourceNames")
        return {
            "resourceRules": [
                {field: rule[field] for field in fields if field in rule} for rule in rules if "resources" in rule
            ],
            "nonResourceRules": [
                {"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]}
                for rule in rules
                if "nonResourceURLs" in rule
            ],
            "incomplete": False,
        }
