"""The names of resources in messages and in each other's fields."""

from collections.abc import Mapping
from typing import Any

from simulator.model.resources import Resource

Name = tuple[str, str]
"""Namespace and name."""


def full_name(resource: Resource) -> str:
    """Return `namespace/name`, or the name alone for a cluster-scoped resource."""
    return f"{resource.namespace}/{resource.name}" if resource.namespace else resource.name


def named(namespace: str, reference: str) -> Name:
    """Read a reference that may name a namespace: `name` or `namespace/name`."""
    before, slash, after = reference.partition("/")
    return (before, after) if slash else (namespace, reference)


def name_text(name: Name) -> str:
    """Write a namespace and a name as messages do."""
    return "/".join(part for part in name if part)


def selector_text(selector: Mapping[str, str] | None) -> str:
    """Write a selector as Kubernetes does: `key=value` sorted by key, joined by commas."""
    return ",".join(f"{key}={value}" for key, value in sorted((selector or {}).items()))


def at(resource: Resource, *path: str | int) -> tuple[str | int, ...]:
    """Return `path` where the document has a plain value there; else the empty path, which stands for the resource.

    istioctl has lines for plain values only.
    """
    value: Any = resource.document
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return ()
    return () if isinstance(value, dict | list) else path


def selector_path(resource: Resource, *path: str) -> tuple[str | int, ...]:
    """Return the path of the first label, by name, of the selector at `path`."""
    selector = resource.get(*path) or {}
    return at(resource, *path, min(selector)) if selector else ()
