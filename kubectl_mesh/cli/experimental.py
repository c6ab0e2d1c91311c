"""`kubectl mesh experimental`: commands that istioctl keeps under that name."""

from kubectl_mesh.cli import authz_table, check_inject, describe, envoy_stats, injector, precheck, proxy_status, version
from kubectl_mesh.cli.groups import add, group

app = group("Commands that istioctl calls experimental.")
app.add_typer(authz_table.app, name="authz")
app.add_typer(describe.app, name="describe")
app.add_typer(describe.app, name="des", hidden=True)
app.add_typer(injector.app, name="injector")
add(app, "check-inject")(check_inject.check_inject)
add(app, "envoy-stats", "es")(envoy_stats.envoy_stats)
add(app, "precheck")(precheck.precheck)
add(app, "proxy-status", "ps", hidden=True)(proxy_status.proxy_status)
add(app, "version", hidden=True)(version.version)
