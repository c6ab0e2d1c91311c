"""Names for completion, asked of the mesh that the command line names so far."""

from collections.abc import Iterator, Sequence

from kubectl_mesh.cli.context import open_source
from kubectl_mesh.cli.options import Settings
from kubectl_mesh.cli.special_candidates import contexts, faults, objects, of_command, types_of_configuration
from kubectl_mesh.sources.base import Connection, MeshSource

_PODS = frozenset({"pod", "target", "from_", "names"})
_WORKLOADS = (("deploy", "Deployment"), ("sts", "StatefulSet"), ("svc", "Service"), ("gateway", "Gateway"))


def settings_from(words: Sequence[str]) -> Settings:
    """Gather the options that choose a mesh from the words typed so far; what is not understood is skipped."""
    values: dict[str, list[str]] = {}
    flags = {"-f": "file", "--file": "file", "-n": "namespace", "--namespace": "namespace"}
    flags |= {"--bundle": "bundle", "--context": "context", "--kubeconfig": "kubeconfig", "-c": "kubeconfig"}
    waiting = ""
    for word in words:
        flag, equals, value = word.partition("=")
        if waiting:
            values.setdefault(waiting, []).append(word)
            waiting = ""
        elif flag in flags and equals:
            values.setdefault(flags[flag], []).append(value)
        elif word in flags:
            waiting = flags[word]
    last = {name: given[-1] for name, given in values.items()}
    return Settings(
        files=tuple(values.get("file", ())),
        demo="--demo" in words,
        bundle=last.get("bundle", ""),
        namespace=last.get("namespace", ""),
        connection=Connection(
            namespace=last.get("namespace", ""),
            context=last.get("context", ""),
            kubeconfig=last.get("kubeconfig", ""),
            request_timeout="2s",
        ),
    )


def of_argument(
    name: str, words: Sequence[str], current: str, *, command: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """Yield what an argument can be: proxies, and the workloads and services that stand for them.

    `command` has the words that name the command, in their first spelling.
    """
    if name == "fault":
        yield from faults()
        return
    settings = settings_from(words)
    source = open_source(settings)
    special = of_command(command, source, settings)
    if special is not None:
        yield from special
    elif name == "url":
        yield from _urls(source, settings.namespace)
    elif name in _PODS:
        yield from _proxies(source, settings.namespace)
        for prefix, kind in _WORKLOADS:
            if current.startswith(f"{prefix}/") or "/" not in current:
                yield from ((f"{prefix}/{found}", kind) for found in _names(source, kind, settings.namespace))
        if name == "from_":
            yield "outside", "a client outside the mesh"
    elif name == "service":
        yield from ((found, "Service") for found in _names(source, "Service", settings.namespace))


def of_option(flags: Sequence[str], words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what the value of an option can be, as far as the mesh knows."""
    settings = settings_from(words)
    if "--namespace" in flags:
        source = open_source(settings)
        yield from ((name, "") for name in sorted({proxy.namespace for proxy in source.proxies()}))
    elif "--type" in flags and "fault" in words:
        yield from types_of_configuration()
    elif "--direction" in flags:
        yield from (("inbound", ""), ("outbound", ""))
    elif {"--config", "--delete"} & set(flags):
        yield from objects(open_source(settings), settings.namespace, is_path="--delete" in flags)
    elif {"--from", "--to"} & set(flags):
        yield from _ends(open_source(settings), settings.namespace)
    elif "--context" in flags:
        yield from ((name, "") for name in contexts(settings.connection))
    elif "--proxy" in flags:
        yield from _proxies(open_source(settings), settings.namespace)
    elif {"--fqdn", "--cluster", "--name"} & set(flags):
        yield from _held(settings, flags, words)


def _ends(source: MeshSource, namespace: str) -> Iterator[tuple[str, str]]:
    """Yield workloads and services, which requests come from and go to."""
    for prefix, kind in _WORKLOADS:
        yield from ((f"{prefix}/{found}", kind) for found in _names(source, kind, namespace))


def _held(settings: Settings, flags: Sequence[str], words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield names that the proxy on the command line holds."""
    from kubectl_mesh.diagnosis import clusters, routes
    from kubectl_mesh.diagnosis.config_dump import ConfigDump
    from kubectl_mesh.diagnosis.targets import find_proxy
    from kubectl_mesh.errors import MeshError

    source = open_source(settings)
    for word in words[2:] or [""]:
        try:
            proxy = find_proxy(source, "" if word.startswith("-") else word, namespace=settings.namespace)
            dump = ConfigDump.parse(source.envoy(proxy, "config_dump?include_eds=true"))
        except MeshError:
            continue
        if "--name" in flags:
            yield from ((str(each.get("name")), "") for each in routes.documents(dump, routes.RouteFilter()))
        else:
            found = [str(each.get("name")) for each in clusters.documents(dump, clusters.ClusterFilter())]
            hosts = found if "--cluster" in flags else sorted({name.rpartition("|")[2] for name in found} - {""})
            yield from ((name, "") for name in hosts)
        return


def _proxies(source: MeshSource, namespace: str) -> Iterator[tuple[str, str]]:
    for proxy in source.proxies():
        if namespace in ("", proxy.namespace):
            yield (proxy.name if namespace else str(proxy)), "proxy"


def _names(source: MeshSource, kind: str, namespace: str) -> Iterator[str]:
    for resource in source.resources(kind, namespace or None):
        metadata = resource.get("metadata") or {}
        yield metadata.get("name", "") if namespace else f"{metadata.get('name', '')}.{metadata.get('namespace', '')}"


def _urls(source: MeshSource, namespace: str) -> Iterator[tuple[str, str]]:
    for service in source.resources("Service"):
        metadata, spec = service.get("metadata") or {}, service.get("spec") or {}
        home = metadata.get("namespace", "")
        host = metadata.get("name", "") if home == namespace else f"{metadata.get('name', '')}.{home}"
        for port in spec.get("ports") or ():
            yield f"http://{host}:{port.get('port')}/", str(port.get("name", ""))
