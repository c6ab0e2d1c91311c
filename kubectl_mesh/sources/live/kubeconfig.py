"""Kubeconfig files merged as kubectl merges them, and kubectl's flags laid over the result.

The first file to name a cluster, user, context or the current context wins; a relative path is relative to the file it
stands in. (The Python client lets the last current context win.) Kubernetes: docs/concepts/configuration/
organize-cluster-access-kubeconfig.md, client-go: tools/clientcmd/loader.go.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kubectl_mesh.errors import InputError, UsageError
from kubectl_mesh.sources.base import Connection
from simulator.model.wire import Json

_KINDS = ("clusters", "users", "contexts")
_PATHS = {
    "clusters": ("certificate-authority",),
    "users": ("client-certificate", "client-key", "tokenFile"),
    "contexts": (),
}
_BODY = {"clusters": "cluster", "users": "user", "contexts": "context"}


def files(connection: Connection, environment: Mapping[str, str]) -> tuple[Sequence[Path], bool]:
    """Return the kubeconfig files to read, and whether one of them must be there."""
    if connection.kubeconfig:
        return (Path(connection.kubeconfig).expanduser(),), True
    listed = [Path(part).expanduser() for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    if listed:
        return listed, False
    return (Path(environment.get("HOME") or "~").expanduser() / ".kube" / "config",), False


def load(paths: Sequence[Path], *, required: bool) -> Json:
    """Read and merge kubeconfig files; missing ones are passed over unless `required`."""
    merged: dict[str, dict[str, Json]] = {kind: {} for kind in _KINDS}
    current = ""
    for path in paths:
        document = _read(path, required=required)
        current = current or str(document.get("current-context") or "")
        for kind in _KINDS:
            for entry in document.get(kind) or ():
                if isinstance(entry, dict) and entry.get("name") and entry["name"] not in merged[kind]:
                    merged[kind][entry["name"]] = _anchored(entry, kind, path.parent)
    return {kind: list(merged[kind].values()) for kind in _KINDS} | {"current-context": current}


def _read(path: Path, *, required: bool) -> Json:
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if required:
            raise InputError(f"kubeconfig {path}: no such file") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"kubeconfig {path}: {error}") from error
    try:
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise InputError(f"kubeconfig {path}: not YAML: {str(error).splitlines()[0]}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError(f"kubeconfig {path}: not an object")
    return document


def _anchored(entry: Json, kind: str, folder: Path) -> Json:
    body = dict(entry.get(_BODY[kind]) or {})
    for field in _PATHS[kind]:
        if body.get(field):
            body[field] = str(folder / Path(str(body[field])).expanduser())
    command = (body.get("exec") or {}).get("command", "")
    if os.sep in command and not os.path.isabs(command):
        body["exec"] = body["exec"] | {"command": str(folder / command)}
    return entry | {_BODY[kind]: body}


def chosen(document: Json, connection: Connection) -> tuple[Json, Json, str]:
    """Return the cluster, the user and the namespace that the flags choose. Raises UsageError for unknown names."""
    name = connection.context or str(document.get("current-context") or "")
    context = _named(document, "contexts", name, given=bool(connection.context)) if name else {}
    if name and not context and not connection.server:
        raise UsageError(f'context "{name}" does not exist', hint="kubectl config get-contexts lists them")
    cluster_name = connection.cluster or str(context.get("cluster") or "")
    user_name = connection.user or str(context.get("user") or "")
    cluster = _named(document, "clusters", cluster_name, given=bool(connection.cluster))
    user = _named(document, "users", user_name, given=bool(connection.user))
    namespace = connection.namespace or str(context.get("namespace") or "") or "default"
    return _cluster(cluster, connection), _user(user, connection), namespace


def _named(document: Json, kind: str, name: str, *, given: bool) -> Json:
    for entry in document.get(kind) or ():
        if entry.get("name") == name:
            body: Json = entry[_BODY[kind]]
            return body
    if given:
        singular = _BODY[kind]
        raise UsageError(f'{singular} "{name}" does not exist', hint=f"kubectl config get-{kind} lists them")
    return {}


def _cluster(cluster: Json, connection: Connection) -> Json:
    result = dict(cluster)
    if connection.server:
        result["server"] = connection.server
    if connection.certificate_authority:
        result.pop("certificate-authority-data", None)
        result["certificate-authority"] = connection.certificate_authority
    if connection.insecure_skip_tls_verify:
        result["insecure-skip-tls-verify"] = True
        for field in ("certificate-authority", "certificate-authority-data"):
            result.pop(field, None)
    if connection.tls_server_name:
        result["tls-server-name"] = connection.tls_server_name
    return result


def _user(user: Json, connection: Connection) -> Json:
    result: dict[str, Any] = dict(user)
    if connection.token:
        for field in ("tokenFile", "exec", "auth-provider", "username", "password"):
            result.pop(field, None)
        result["token"] = connection.token
    elif connection.username:
        for field in ("token", "tokenFile", "exec", "auth-provider"):
            result.pop(field, None)
        result |= {"username": connection.username, "password": connection.password}
    if connection.client_certificate:
        result.pop("client-certificate-data", None)
        result["client-certificate"] = connection.client_certificate
    if connection.client_key:
        result.pop("client-key-data", None)
        result["client-key"] = connection.client_key
    if connection.as_user:
        result |= {"as": connection.as_user, "as-uid": connection.as_uid, "as-groups": list(connection.as_groups)}
    elif connection.as_groups or connection.as_uid:
        raise UsageError("--as-group and --as-uid need --as", hint="name the user to impersonate with --as")
    return result
