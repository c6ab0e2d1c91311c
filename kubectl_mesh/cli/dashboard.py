"""`kubectl mesh dashboard`: the web pages of Envoy, istiod and the addons, on a port of this machine."""

import sys
import threading
from collections.abc import Callable
from typing import Annotated

import typer

from kubectl_mesh.cli.context import Call, command
from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.diagnosis import dashboards, istiod_pods
from kubectl_mesh.diagnosis.targets import find_proxy
from kubectl_mesh.errors import NotAvailable, UsageError
from kubectl_mesh.sources.base import PodTunnels
from simulator.model.proxies import ProxyId

app = group("Open the web page of Envoy, istiod or an addon, over a port-forward.")
Port = Annotated[
    int, typer.Option("-p", "--port", metavar="PORT", help="Local port; 0 takes the pod's own port if it is free.")
]
Address = Annotated[str, typer.Option("--address", metavar="ADDRESS", help="Local address to listen on.")]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser, or only print the address.")]
UiPort = Annotated[int, typer.Option("--ui-port", "--ui_port", metavar="PORT", help="Port of the pod.")]
Selector = Annotated[
    str, typer.Option("-l", "--selector", metavar="LABELS", help="Labels of the pod.", show_default=False)
]
Revision = Annotated[
    str, typer.Option("-r", "--revision", metavar="REV", help="Revision of istiod.", show_default=False)
]
Pod = Annotated[str, typer.Argument(metavar="[NAMESPACE/][KIND/]NAME", show_default=False)]
_ADMIN, _CONTROLZ = 15000, 9876


def _serve(call: Call, pod: ProxyId, port: int, *, path: str, local: tuple[str, int], browser: bool) -> None:
    """Lead a local port to the pod until Ctrl-C."""
    source = call.source
    if not isinstance(source, PodTunnels):
        hint = "leave out -f, --demo and --bundle, or serve the mesh with: kubectl mesh simulate serve"
        raise NotAvailable("dashboards exist only in a live cluster", hint=hint)
    address, local_port = local
    with source.tunnel(pod, port, address=address, local_port=local_port) as reached:
        url = f"http://{reached}{path}"
        call.write(f"{url}\n")
        call.note(f"leads to port {port} of {pod}; Ctrl-C ends it")
        if not browser or not _opened(url):
            call.note("skipping opening a browser" if not browser else f"Failed to open browser; open {url} yourself.")
        sys.stdout.flush()
        threading.Event().wait()


def _opened(url: str) -> bool:
    import webbrowser

    return webbrowser.open(url)


def _addon(name: str) -> Callable[..., None]:
    addon = dashboards.ADDONS[name]

    def show(
        call: Call,
        ui_port: UiPort = addon.port,
        port: Port = 0,
        address: Address = "localhost",
        browser: Browser = True,
    ) -> None:
        home = call.settings.connection.istio_namespace
        (pod, *_) = dashboards.pods_selected(call.source, addon.selector, namespaces=(home, call.home))
        _serve(call, pod, ui_port, path=addon.path, local=(address, port), browser=browser)

    show.__doc__ = f"""Open {name.capitalize()}.

    \b
    Example:
      kubectl mesh dashboard {name} --browser=false
    """
    return command(show)


for _name in dashboards.ADDONS:
    add(app, _name)(_addon(_name))


@add(app, "envoy", "proxy")
@command
def envoy(
    call: Call,
    pod: Pod = "",
    selector: Selector = "",
    ui_port: UiPort = _ADMIN,
    port: Port = 0,
    address: Address = "localhost",
    browser: Browser = True,
) -> None:
    """Open the admin page of a proxy.

    \b
    Example:
      kubectl mesh dashboard envoy deploy/web -n shop
    """
    if pod and selector:
        raise UsageError("name cannot be provided when a selector is specified")
    if not pod and not selector:
        raise UsageError("name a pod, or use --selector", hint="kubectl mesh dashboard envoy deploy/web -n shop")
    if pod:
        found = find_proxy(call.source, pod, namespace=call.namespace)
    else:
        spaces = (call.namespace,) if call.namespace else ()
        found = dashboards.pods_selected(call.source, selector, namespaces=spaces)[0]
    _serve(call, found, ui_port, path="", local=(address, port), browser=browser)


def _istiod(call: Call, pod: str, selector: str, revision: str) -> ProxyId:
    """Return the istiod that is named or selected; without either that of the revision."""
    if sum(map(bool, (pod, selector, revision))) > 1:
        raise UsageError("only one of name, --selector, or --revision can be specified")
    home = call.settings.connection.istio_namespace
    if pod:
        return istiod_pods.named(call.source, pod, namespace=home)
    chosen = selector or istiod_pods.DEFAULT_SELECTOR
    return istiod_pods.find(call.source, namespace=home, selector=chosen, revision=revision)[0]


@add(app, "controlz")
@command
def controlz(
    call: Call,
    pod: Pod = "",
    selector: Selector = "",
    revision: Revision = "",
    ui_port: Annotated[
        int, typer.Option("--ctrlz_port", "--ctrlz-port", metavar="PORT", help="Port of ControlZ.")
    ] = _CONTROLZ,
    port: Port = 0,
    address: Address = "localhost",
    browser: Browser = True,
) -> None:
    """Open ControlZ of an istiod.

    \b
    Example:
      kubectl mesh dashboard controlz --browser=false
    """
    found = _istiod(call, pod, selector, revision)
    _serve(call, found, ui_port, path="", local=(address, port), browser=browser)


@add(app, "istiod-debug", "istiod")
@command
def istiod_debug(
    call: Call,
    pod: Pod = "",
    selector: Selector = "",
    revision: Revision = "",
    port: Port = 0,
    address: Address = "localhost",
    browser: Browser = True,
) -> None:
    """Open the debug pages of an istiod.

    \b
    Example:
      kubectl mesh dashboard istiod-debug
    """
    found = _istiod(call, pod, selector, revision)
    remote = dashboards.monitoring_port(call.source, found)
    _serve(call, found, remote, path="/debug", local=(address, port), browser=browser)
