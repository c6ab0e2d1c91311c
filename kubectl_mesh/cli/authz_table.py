"""`kubectl mesh x authz check`: the table that istioctl prints under that name."""

from kubectl_mesh.cli.context import Call, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.cli.proxy_config import Pod, fetch
from kubectl_mesh.diagnosis import authorization
from kubectl_mesh.diagnosis.config_dump import reading
from kubectl_mesh.render.table import render

app = group("Show which authorization policies a proxy enforces, as istioctl counts them.")


@add(app, "check")
@command
def check(call: Call, pod: Pod = "") -> None:
    """List the authorization policies in the listeners of a proxy, as istioctl counts them.

    \b
    Example:
      kubectl mesh x authz check deploy/web -n shop
    """
    show(call, pod)


def show(call: Call, pod: str) -> None:
    """Write istioctl's table."""
    dump = fetch(call, pod, "config_dump")
    with reading("the document of the proxy"):
        table = authorization.table(dump)
    call.write(render(table) if table else "")
