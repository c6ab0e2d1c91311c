"""istiod among the manifests, and the one that is added when they bring none.

Manifests bring their own control plane when `istio-system` has the ConfigMap `istio[-REV]`, or a Deployment or
Service `istiod*`. Otherwise the default profile of Istio 1.30 is added (`default_control_plane.yaml`), with an
ingress gateway; a ztunnel among the manifests makes it the ambient profile.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from simulator.model.resources import Origin, Resource
from simulator.model.wire import Json

NAMESPACE = "istio-system"
_CONFIG = "istio"
_SOURCE = Origin(source="default control plane")


def is_own(resources: Sequence[Resource]) -> bool:
    """Tell whether the manifests bring their own control plane."""
    return any(_belongs(resource) for resource in resources)


def _belongs(resource: Resource) -> bool:
    if resource.namespace != NAMESPACE:
        return False
    if resource.kind == "ConfigMap":
        return _config_revision(resource) is not None
    return resource.kind in ("Deployment", "Service") and resource.name.startswith("istiod")


def _config_revision(resource: Resource) -> str | None:
    if "mesh" not in (resource.document.get("data") or {}):
        return "default" if resource.name == _CONFIG else None
    if resource.name == _CONFIG:
        return "default"
    return resource.name.removeprefix(f"{_CONFIG}-") if resource.name.startswith(f"{_CONFIG}-") else None


def revisions(resources: Sequence[Resource]) -> tuple[str, ...]:
    """Return the installed revisions, `default` first."""
    found: set[str] = set()
    for resource in resources:
        if resource.namespace != NAMESPACE:
            continue
        if resource.kind == "ConfigMap" and (revision := _config_revision(resource)):
            found.add(revision)
        elif resource.kind == "Deployment" and resource.name.startswith("istiod"):
            found.add(_revision_of(resource))
    return tuple(sorted(found, key=lambda revision: (revision != "default", revision)))


def _revision_of(deployment: Resource) -> str:
    revision = _environment(deployment).get("REVISION") or deployment.labels.get("istio.io/rev")
    return revision or deployment.name.removeprefix("istiod").removeprefix("-") or "default"


def _istiod(resources: Sequence[Resource], revision: str) -> Resource | None:
    for resource in resources:
        is_istiod = resource.kind == "Deployment" and resource.name.startswith("istiod")
        if is_istiod and resource.namespace == NAMESPACE and _revision_of(resource) == revision:
            return resource
    return None


def _container(deployment: Resource) -> Json:
    containers = deployment.get("spec", "template", "spec", "containers", default=[])
    named = [container for container in containers if container.get("name") == "discovery"]
    return next(iter(named or containers), {})


def _environment(deployment: Resource) -> dict[str, str]:
    return {
        entry["name"]: entry["value"]
        for entry in _container(deployment).get("env") or ()
        if entry.get("name") and isinstance(entry.get("value"), str)
    }


def istiod_environment(resources: Sequence[Resource], revision: str | None = None) -> dict[str, str]:
    """Return the environment of a revision's istiod, or of the first revision; empty when there is none."""
    deployment = _istiod(resources, revision or next(iter(revisions(resources)), "default"))
    return _environment(deployment) if deployment else {}


def image_source(resources: Sequence[Resource], revision: str) -> Json:
    """Return `hub` and `tag` of a revision's istiod image, the default for its proxies; empty when they are unknown."""
    deployment = _istiod(resources, revision)
    image = _container(deployment).get("image", "") if deployment else ""
    name, _, tag = image.partition("@")[0].rpartition(":")
    hub, slash, _ = name.rpartition("/")
    return {"hub": hub, "tag": tag} if slash and tag else {}


def is_ambient(resources: Sequence[Resource]) -> bool:
    """Tell whether the ambient mesh is on: istiod's flag says so, or ztunnel is installed."""
    if istiod_environment(resources).get("PILOT_ENABLE_AMBIENT", "").lower() == "true":
        return True
    return any(resource.kind == "DaemonSet" and resource.name == "ztunnel" for resource in resources)


def uses_cni(resources: Sequence[Resource]) -> bool:
    """Tell whether Istio's CNI plugin redirects traffic: it is installed, or the ambient mesh needs it."""
    installed = any(resource.kind == "DaemonSet" and resource.name == "istio-cni-node" for resource in resources)
    return installed or is_ambient(resources)


def default_control_plane() -> tuple[Resource, ...]:
    """Return the objects of Istio's default profile, and the Services that every cluster has.

    Lines of that text would tell a user nothing, who does not have it: their origin names none.
    """
    from pkgutil import get_data

    from simulator.manifests.reading import parse_manifests

    text = (get_data(__name__, "default_control_plane.yaml") or b"").decode()
    found = parse_manifests(text, source=_SOURCE.source)
    return tuple(replace(resource, origin=_SOURCE) for resource in found)


def missing(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """Return the objects of the default control plane that `resources` lack."""
    if is_own(resources):
        return ()
    from simulator.manifests.ambient_profile import with_ambient

    present = {(resource.kind, resource.namespace, resource.name) for resource in resources}
    profile = default_control_plane()
    return tuple(
        resource
        for resource in (with_ambient(profile) if is_ambient(resources) else profile)
        if (resource.kind, resource.namespace, resource.name) not in present
    )


def namespaces(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """Return Namespaces that resources are in and that no resource defines."""
    from simulator.manifests.placement import SYNTHETIC

    given = {resource.name for resource in resources if resource.kind == "Namespace"}
    wanted = {resource.namespace for resource in resources} - given - {""}
    return tuple(_namespace(name, SYNTHETIC) for name in sorted(wanted))


def _namespace(name: str, origin: Any) -> Resource:
    metadata = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
    document: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": {"phase": "Active"}}
    return Resource(kind="Namespace", api_version="v1", namespace="", name=name, document=document, origin=origin)
