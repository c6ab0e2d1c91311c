"""Options that several commands take, declared once. A command that has an option of the same name keeps its own."""

import inspect
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from kubectl_mesh.cli.log_options import LOG_OPTIONS, LogOptions
from kubectl_mesh.errors import UsageError
from kubectl_mesh.sources.base import Completion, Connection

Files = Annotated[
    list[str] | None,
    typer.Option(
        "-f",
        "--file",
        metavar="PATH",
        help="Simulate the mesh of these manifests (file, directory, glob or -), or read a saved Envoy config dump. "
        "Contacts no API server. May be repeated.",
    ),
]
Demo = Annotated[bool, typer.Option("--demo", help="Use the bundled example mesh.")]
Bundle = Annotated[
    str, typer.Option("--bundle", metavar="FILE|DIR", help="Use a mesh recorded with `bundle`.", show_default=False)
]
NoControlPlane = Annotated[
    bool, typer.Option("--no-control-plane", help="Do not add the default istiod and ingress gateway.")
]
Inject = Annotated[
    list[str] | None,
    typer.Option(
        "--inject", metavar="NS", help="Treat a namespace of the manifests as labelled for injection; * for all."
    ),
]
Namespace = Annotated[
    str, typer.Option("-n", "--namespace", metavar="NS", help="Namespace of names that have none.", show_default=False)
]
AllNamespaces = Annotated[bool, typer.Option("-A", "--all-namespaces", help="Look at all namespaces.")]
Color = Annotated[str, typer.Option("--color", metavar="auto|always|never", help="Color the output.")]


def _global(*flags: str, env: str = "") -> Any:
    return typer.Option(*flags, hidden=True, show_default=False, envvar=env or None)


_GLOBALS: dict[str, tuple[Any, Any]] = {
    "kubeconfig": (Annotated[str, _global("--kubeconfig", "-c")], ""),
    "context": (Annotated[str, _global("--context")], ""),
    "kube_cluster": (Annotated[str, _global("--cluster")], ""),
    "user": (Annotated[str, _global("--user")], ""),
    "server": (Annotated[str, _global("--server", "-s")], ""),
    "token": (Annotated[str, _global("--token")], ""),
    "username": (Annotated[str, _global("--username")], ""),
    "password": (Annotated[str, _global("--password")], ""),
    "as_user": (Annotated[str, _global("--as")], ""),
    "as_uid": (Annotated[str, _global("--as-uid")], ""),
    "as_group": (Annotated[list[str] | None, _global("--as-group")], None),
    "request_timeout": (Annotated[str, _global("--request-timeout", "--kubeclient-timeout")], ""),
    "tls_server_name": (Annotated[str, _global("--tls-server-name")], ""),
    "insecure_skip_tls_verify": (Annotated[bool, _global("--insecure-skip-tls-verify")], False),
    "certificate_authority": (Annotated[str, _global("--certificate-authority")], ""),
    "client_certificate": (Annotated[str, _global("--client-certificate")], ""),
    "client_key": (Annotated[str, _global("--client-key")], ""),
    "cache_dir": (Annotated[str, _global("--cache-dir")], ""),
    "istio_namespace": (
        Annotated[str, _global("-i", "--istioNamespace", env="ISTIOCTL_ISTIONAMESPACE")],
        "istio-system",
    ),
    "revision": (Annotated[str, _global("--revision", "-r")], ""),
    "proxy_admin_port": (Annotated[int, _global("--proxy-admin-port")], 15000),
}
_SHARED: dict[str, tuple[Any, Any]] = {
    "files": (Files, None),
    "demo": (Demo, False),
    "bundle": (Bundle, ""),
    "no_control_plane": (NoControlPlane, False),
    "inject": (Inject, None),
    "namespace": (Namespace, ""),
    "all_namespaces": (AllNamespaces, False),
    "color": (Color, "auto"),
    **_GLOBALS,
    **LOG_OPTIONS,
}


def shared_parameters(taken: AbstractSet[str] = frozenset()) -> list[inspect.Parameter]:
    """Return every shared option as a keyword parameter of a command's function.

    A hidden option gives up the spellings that are `taken` and keeps the rest; any other gives way altogether.
    """
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=left)
        for name, (annotation, default) in _SHARED.items()
        if (left := _left(name, annotation, taken)) is not None
    ]


def _left(name: str, annotation: Any, taken: AbstractSet[str]) -> Any:
    spellings = flags(annotation)
    if not spellings & taken:
        return annotation
    rest = sorted(spellings - taken, reverse=True)  # the long ones first
    return Annotated[annotation.__origin__, _global(*rest)] if name in _GLOBALS and rest else None


def flags(annotation: Any) -> frozenset[str]:
    """Return the spellings under which an `Annotated` option is given; empty for an argument."""
    for item in getattr(annotation, "__metadata__", ()):
        declared = (
            getattr(item, "default", None),
            *(getattr(item, "param_decls", None) or ()),
        )  # typer sorts these out later
        return frozenset(flag for flag in declared if isinstance(flag, str) and flag.startswith("-"))
    return frozenset()


def shared_flags() -> Mapping[str, bool]:
    """Return every spelling of a shared option, and whether a value follows it."""
    return {flag: default is not False for annotation, default in _SHARED.values() for flag in flags(annotation)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Values of the shared options of one call."""

    files: tuple[str, ...] = ()
    demo: bool = False
    bundle: str = ""
    completion: Completion = field(default_factory=Completion)
    namespace: str = ""
    all_namespaces: bool = False
    color: str = "auto"
    connection: Connection = field(default_factory=Connection)
    log: LogOptions = field(default_factory=LogOptions)

    @classmethod
    def collect(cls, given: Mapping[str, Any]) -> "Settings":
        """Gather the values that typer parsed, by name of the parameter; options a command overrides are absent."""
        rest = dict(given)
        connection = {name: rest.pop(name) for name in _GLOBALS if name in rest}
        if "kube_cluster" in connection:
            connection["cluster"] = connection.pop("kube_cluster")
        port = connection.get("proxy_admin_port", 15000)
        if not 1 <= port <= 65535:
            raise UsageError(f"port number {port} must be in the range 1..65535")
        connection["as_groups"] = tuple(connection.pop("as_group", None) or ())
        return cls(
            files=tuple(rest.get("files") or ()),
            demo=rest.get("demo", False),
            bundle=rest.get("bundle", ""),
            completion=Completion(
                control_plane=not rest.get("no_control_plane", False), inject=_listed(rest.get("inject"))
            ),
            namespace=rest.get("namespace", ""),
            all_namespaces=rest.get("all_namespaces", False),
            color=rest.get("color", "auto"),
            connection=Connection(namespace=rest.get("namespace", ""), **connection),
            log=LogOptions.collect(rest),
        )


def _listed(words: list[str] | None) -> tuple[str, ...]:
    """Return the items of a repeatable option, each of which may be a comma list."""
    return tuple(item for word in words or () for item in word.split(",") if item)
