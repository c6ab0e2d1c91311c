"""The kubeconfig of a served mesh, written atomically and readable by its owner only."""

import base64
import contextlib
import json
import os
import tempfile

from simulator.model.wire import Json

CONTEXT = "simulated-mesh"


def kubeconfig(*, server: str, root: bytes, token: str, namespace: str = "default") -> Json:
    """Return a kubeconfig with one context."""
    authority = base64.b64encode(root).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": namespace}}],
        "current-context": CONTEXT,
    }


def write_private(path: str, document: Json) -> None:
    """Write a document to a file of mode 0600; a reader sees the old file or the new one."""
    directory = os.path.dirname(os.path.abspath(path))
    descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=".kubeconfig-")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
