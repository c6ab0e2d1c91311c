"""`kubectl mesh proxy-config` put together: the commands that show tables, and those that do not."""

from kubectl_mesh.cli import proxy_config, proxy_log

app = proxy_config.app
MODULES = (proxy_config, proxy_log)
"""Importing a module adds its commands to the group."""
