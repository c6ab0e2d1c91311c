"""`kubectl mesh simulate serve`: a Kubernetes API server on loopback, made of manifests."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubectl_mesh.cli.context import Call, command
from kubectl_mesh.errors import InputError, SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.apiserver.server import Served
    from simulator.faults.model import Fault
    from simulator.model.resources import Resource

_EXTRA = "pip install 'kubectl-mesh[serve]'"


@command
def serve(
    call: Call,
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port on 127.0.0.1; 0 picks a free one.")
    ] = 0,
    write_kubeconfig: Annotated[
        str,
        typer.Option(
            "--write-kubeconfig",
            metavar="FILE",
            help="Write a kubeconfig here as soon as the server is ready; only you can read it.",
            show_default=False,
        ),
    ] = "",
    faults: Annotated[
        str,
        typer.Option(
            "--faults", metavar="FILE", help="Faults to start with (see `simulate fault`).", show_default=False
        ),
    ] = "",
) -> None:
    """Serve the mesh of manifests as a Kubernetes API server on 127.0.0.1, until Ctrl-C or SIGTERM.

    kubectl, client libraries, istioctl and this program work with it unchanged; what they apply changes the mesh.

    \b
    Examples:
      kubectl mesh simulate serve -f k8s/
      kubectl mesh simulate serve --demo --write-kubeconfig kubeconfig &
      kubectl mesh simulate serve --demo --faults faults.yaml
    """
    if not (call.settings.files or call.settings.demo):
        raise UsageError("nothing to serve", hint="name manifests with -f PATH, or use --demo")
    try:
        import aiohttp  # noqa: F401
    except ImportError:
        raise UsageError("serving needs aiohttp and grpcio", hint=_EXTRA) from None
    _serve(call, port=port, kubeconfig=write_kubeconfig, faults=_faults(faults) if faults else ())


def _faults(path: str) -> "Sequence[Fault]":
    import yaml

    from simulator.faults.decoding import FaultError, decode_faults

    try:
        return decode_faults(yaml.safe_load(Path(path).read_bytes()))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from error
    except FaultError as error:
        raise InputError(f"{path}: {error}", hint=error.hint) from error


def _serve(call: Call, *, port: int, kubeconfig: str, faults: "Sequence[Fault]") -> None:
    import asyncio
    import contextlib
    import os
    import tempfile

    from simulator.apiserver.kubeconfig import write_private
    from simulator.apiserver.server import ApiServer, serve_until_stopped
    from simulator.apiserver.simulated import SimulatedWorld

    with contextlib.ExitStack() as stack:
        path = kubeconfig
        if not path:
            path = os.path.join(stack.enter_context(tempfile.TemporaryDirectory(prefix="kubectl-mesh-")), "kubeconfig")

        def ready(served: "Served") -> None:
            write_private(path, served.kubeconfig)
            call.write(f"export KUBECONFIG={shlex.quote(os.path.abspath(path))}\n")
            sys.stdout.flush()
            call.note(f"serving at {served.url}; stop with Ctrl-C")
            for playing, pattern in served.cluster.faults.aimless(served.cluster.keeper.latest):
                words = f"no pod is named {pattern}, so it affects nothing yet"
                call.note(f"fault {playing.number} ({playing.fault.kind.value}): {words}")

        server = ApiServer(_resources(call), SimulatedWorld, port=port, faults=faults)
        try:
            asyncio.run(serve_until_stopped(server, ready))
        except OSError as error:
            raise SourceError(f"{error.filename or f'127.0.0.1:{port}'}: {error.strerror or error}") from error


def _resources(call: Call) -> "Sequence[Resource]":
    from kubectl_mesh.sources.simulated import example
    from kubectl_mesh.sources.standard_input import standard_input
    from simulator.apiserver.simulated import installed
    from simulator.manifests.reading import read_manifests

    paths = [str(example())] if call.settings.demo else call.settings.files
    completion = call.settings.completion
    read = read_manifests(paths, stdin=standard_input)
    return installed(read, control_plane=completion.control_plane, inject=completion.inject)
