"""`kubectl mesh waypoint` put together: the commands that look, and those that change something."""

from kubectl_mesh.cli import waypoint, waypoint_changes

app = waypoint.app
MODULES = (waypoint, waypoint_changes)
"""Importing a module adds its commands to the group."""
