"""`kubectl mesh experimental`: commands that istioctl keeps under that name."""

from kubectl_mesh.cli import authz
from kubectl_mesh.cli.groups import group

app = group("Commands that istioctl calls experimental.")
app.add_typer(authz.app, name="authz")
