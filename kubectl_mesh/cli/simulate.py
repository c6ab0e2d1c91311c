"""`kubectl mesh simulate`: the state that istiod would give the mesh of manifests, as files."""

import json
from pathlib import Path
from typing import Annotated

import typer

from kubectl_mesh.cli import simulate_fault
from kubectl_mesh.cli.context import Call, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.cli.simulate_serve import serve
from kubectl_mesh.diagnosis.sent_state import with_sent_endpoints
from kubectl_mesh.diagnosis.targets import find_proxies
from kubectl_mesh.errors import InputError, UsageError
from kubectl_mesh.sources.base import MeshSource, ResourceSource
from kubectl_mesh.sources.progress import waiting
from simulator.model.proxies import ProxyId

app = group("Generate the configuration of the mesh that manifests describe, or serve that mesh as a Kubernetes API.")
add(app, "serve")(serve)
app.add_typer(simulate_fault.app, name="fault")


@add(app, "dump")
@command
def dump(
    call: Call,
    output_dir: Annotated[
        str, typer.Option("--output-dir", metavar="DIR", help="Directory to write to; created if missing.")
    ],
    proxy: Annotated[
        list[str] | None,
        typer.Option("--proxy", metavar="POD.NS", help="Only write this proxy. May be repeated.", show_default=False),
    ] = None,
) -> None:
    """Write the config dump of each proxy to DIR/NAMESPACE__POD.json, as Envoy's /config_dump?include_eds prints it.

    Endpoints are as istiod sends them, before Envoy fills in its defaults.

    \b
    Example:
      kubectl mesh simulate dump -f manifests/ --output-dir dumps/
    """
    if not (call.settings.files or call.settings.demo):
        raise UsageError("nothing to simulate", hint="name manifests with -f PATH, or use --demo")
    source = call.source
    wanted = source.proxies()
    if proxy:
        wanted = [found for name in proxy for found in find_proxies(source, name, namespace=call.namespace)]
    folder = Path(output_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with waiting(f"config dumps written to {folder}", total=len(wanted)) as wait:
            for each in wanted:
                (folder / f"{each.namespace}__{each.name}.json").write_bytes(_document(source, each))
                wait.advance()
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {error.strerror or error}") from error


def _document(source: MeshSource, proxy: ProxyId) -> bytes:
    data = source.envoy(proxy, "config_dump?include_eds=true")
    if not isinstance(source, ResourceSource):
        return data
    found = with_sent_endpoints(json.loads(data), source.configuration(proxy)["endpoints"])
    return json.dumps(found, indent=1).encode()
