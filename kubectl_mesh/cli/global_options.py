"""`kubectl mesh options`: the options that every command takes, as `kubectl options` lists kubectl's."""

import typer

from kubectl_mesh.cli.log_options import LOG_MEANING
from kubectl_mesh.cli.options import shared_flags

app = typer.Typer(rich_markup_mode=None, add_completion=False)
MEANING = {
    "--kubeconfig": "Path to the kubeconfig file.",
    "--context": "Context of the kubeconfig file to use.",
    "--cluster": "Kubernetes cluster of the kubeconfig file to use.",
    "--user": "User of the kubeconfig file to use.",
    "--server": "Address and port of the API server.",
    "--token": "Bearer token for the API server.",
    "--username": "Name for basic authentication to the API server.",
    "--password": "Password for basic authentication to the API server.",
    "--as": "User to impersonate.",
    "--as-uid": "UID to impersonate.",
    "--as-group": "Group to impersonate. May be repeated.",
    "--request-timeout": "Time limit for one request to the API server, such as 15s; 0 for none.",
    "--tls-server-name": "Server name to validate the API server's certificate against.",
    "--insecure-skip-tls-verify": "Do not validate the API server's certificate.",
    "--certificate-authority": "File with the certificate of the API server's CA.",
    "--client-certificate": "File with a client certificate.",
    "--client-key": "File with the private key of the client certificate.",
    "--cache-dir": "Accepted for kubectl's sake, and not used.",
    "--istioNamespace": "Namespace of istiod (default istio-system).",
    "--revision": "Revision of the istiod to ask.",
    "--proxy-admin-port": "Port of Envoy's admin interface (default 15000).",
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
