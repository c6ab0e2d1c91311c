"""From a kubeconfig, or a pod's service account, to what a request needs: address, TLS, headers.

The Python client turns users into credentials (tokens, exec plugins, OIDC); what it only logs is raised here.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubectl_mesh.errors import InputError, SourceError
from kubectl_mesh.sources.base import Connection
from kubectl_mesh.sources.live import kubeconfig
from kubectl_mesh.sources.live.timeouts import seconds
from simulator.model.wire import Json

_NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
_NAME = "chosen"


@dataclass(slots=True)
class Access:
    """How an API server is reached: the client's configuration, impersonation headers, time limits."""

    configuration: Any
    namespace: str
    timeout: float | None
    impersonation: tuple[tuple[str, str], ...] = ()

    def headers(self) -> dict[str, str]:
        """Return the headers that say who asks; expired tokens are renewed."""
        found = {}
        for setting in self.configuration.auth_settings().values():
            if setting.get("in") == "header" and setting.get("value"):
                found[str(setting["key"])] = str(setting["value"])
        return found


def configure(connection: Connection, environment: Mapping[str, str] = os.environ) -> Access:
    """Return the access that kubectl would have with these flags in this environment."""
    from kubernetes.client import Configuration

    timeout = seconds(connection.request_timeout)
    paths, required = kubeconfig.files(connection, environment)
    document = kubeconfig.load(paths, required=required)
    if not document["contexts"] and not connection.server:
        return _in_cluster(connection, timeout, environment, looked_in=paths)
    cluster, user, namespace = kubeconfig.chosen(document, connection)
    if not cluster.get("server"):
        raise InputError("no cluster is chosen", hint="kubectl config use-context NAME, or --context NAME")
    configuration = Configuration()
    _load(configuration, cluster, user)
    return Access(configuration, namespace, timeout, _impersonation(user))


def _load(configuration: Any, cluster: Json, user: Json) -> None:
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader

    document = {
        "current-context": _NAME,
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME}}],
        "clusters": [{"name": _NAME, "cluster": cluster}],
        "users": [{"name": _NAME, "user": user}],
    }
    said: list[str] = []
    handler = _Recorder(said)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        loader: Any = KubeConfigLoader
        loader(config_dict=document, config_base_path="").load_and_set(configuration)
    except ConfigException as error:
        raise InputError(f"kubeconfig: {error}") from error
    except OSError as error:
        raise InputError(f"kubeconfig: {error}") from error
    finally:
        root.removeHandler(handler)
    if "exec" in user and said and not configuration.cert_file:
        command = user["exec"].get("command", "")
        raise SourceError(
            f"credential plugin {command}: {said[-1]}", hint=f"run {command} by hand to see what is missing"
        )


class _Recorder(logging.Handler):
    """Keeps what the client logs instead of raising."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self._said.append(record.getMessage())


def _impersonation(user: Json) -> tuple[tuple[str, str], ...]:
    name = user.get("as")
    if not name:
        return ()
    pairs = [("Impersonate-User", str(name))]
    if user.get("as-uid"):
        pairs.append(("Impersonate-Uid", str(user["as-uid"])))
    pairs.extend(("Impersonate-Group", str(group)) for group in user.get("as-groups") or ())
    for key, values in (user.get("as-user-extra") or {}).items():
        pairs.extend((f"Impersonate-Extra-{key}", str(value)) for value in values)
    return tuple(pairs)


def _searched(paths: Iterable[Path]) -> str:
    """Say of each kubeconfig that was looked at whether it is there."""
    return ", ".join(f"{path} {'names none' if path.exists() else 'does not exist'}" for path in paths)


def _in_cluster(
    connection: Connection, timeout: float | None, environment: Mapping[str, str], *, looked_in: Any
) -> Access:
    from kubernetes.client import Configuration
    from kubernetes.config import load_incluster_config
    from kubernetes.config.config_exception import ConfigException

    if not environment.get("KUBERNETES_SERVICE_HOST"):
        hint = "choose a live cluster with --kubeconfig, manifests with -f PATH, or the example with --demo"
        raise InputError(f"no live cluster is configured: {_searched(looked_in)}", hint=hint)
    configuration = Configuration()
    try:
        load: Any = load_incluster_config
        load(client_configuration=configuration)
    except ConfigException as error:
        raise InputError(f"service account of this pod: {error}") from error
    namespace = connection.namespace
    if not namespace:
        try:
            with open(_NAMESPACE_FILE, encoding="utf-8") as file:
                namespace = file.read().strip()
        except OSError:
            namespace = "default"
    user = {"as": connection.as_user, "as-uid": connection.as_uid, "as-groups": connection.as_groups}
    return Access(configuration, namespace, timeout, _impersonation(user))
