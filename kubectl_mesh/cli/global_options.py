"""`kubectl mesh options`: the options that every command takes, as `kubectl options` lists kubectl's."""

import typer

from kubectl_mesh.cli.log_options import LOG_MEANING
from kubectl_mesh.cli.options import shared_flags

app = typer.Typer(rich_markup_mode=None, add_completion=False)
MEANING = {
    "--kubeconfig": "Path to the kubeconfig file.",
    "--context": "Context of the kubeconfig file to use.",
    "--cluster": "Cluster entry of the kubeconfig file to use.",
    "--user": "User entry of the kubeconfig file to use.",
    "--server": "Address and port of the API server.",
    "--token": "Bearer token for the API server.",
    "--username": "Name for basic authentication to the API server.",
    "--password": "Password for basic authentication to the API server.",
    "--as": "User to impersonate.",
    "--as-uid": "UID to impersonate.",
    "--as-group": "Group to impersonate. May be repeated.",
    "--request-timeout": "How long to wait for one answer of the API server, such as 15s; 0 waits for ever.",
    "--tls-server-name": "Name to check the API server's certificate against.",
    "--insecure-skip-tls-verify": "Do not check the API server's certificate.",
    "--certificate-authority": "File with the certificate of the API server's authority.",
    "--client-certificate": "File with a client certificate.",
    "--client-key": "File with the key of the client certificate.",
    "--cache-dir": "Folder of kubectl's discovery cache; accepted, not used.",
    "--istioNamespace": "Namespace of istiod (istio-system).",
    "--revision": "Revision of istiod to ask.",
    "--proxy-admin-port": "Port of Envoy's admin interface (15000).",
    **LOG_MEANING,
}
"""What the options mean that the help of a command leaves out, by flag."""


@app.command()
def options() -> None:
    """List the options that every command takes."""
    print("The following options can be passed to any command:\n")
    for flag, takes_value in shared_flags().items():
        if flag in MEANING:
            print(f"    {flag + ('=VALUE' if takes_value else ''):34} {MEANING[flag]}")
