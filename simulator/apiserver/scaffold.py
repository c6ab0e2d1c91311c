"""What every API server answers, whatever its objects: versions, discovery and health.

Kubernetes: staging/src/k8s.io/apiserver/pkg/endpoints/discovery; aggregated discovery is KEP-3352.
"""

from collections.abc import Sequence

from simulator.apiserver.catalog import Catalog, ResourceType, Subresource
from simulator.model.wire import Json

KUBERNETES_VERSION = "v1.34.0"
_DISCOVERY_GROUP = "apidiscovery.k8s.io"


def version() -> Json:
    """Return `/version`."""
    _, minor, _ = KUBERNETES_VERSION.split(".")
    return {
        "major": "1",
        "minor": minor,
        "gitVersion": KUBERNETES_VERSION,
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2025-08-27T10:09:04Z",
        "goVersion": "go1.24.5",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def api_versions(server: str) -> Json:
    """Return `/api` in its old form."""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def group(name: str, versions: Sequence[str]) -> Json:
    """Return one APIGroup."""
    listed = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": listed, "preferredVersion": listed[0]}


def groups(catalog: Catalog) -> Json:
    """Return `/apis` in its old form."""
    found = [group(name, versions) for name, versions in catalog.groups().items()]
    listed = [{key: value for key, value in each.items() if key not in ("kind", "apiVersion")} for each in found]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def resources(catalog: Catalog, group_name: str, version_name: str) -> Json:
    """Return the APIResourceList of a group and version."""
    listed: list[Json] = []
    for each in catalog.served(group_name, version_name):
        listed.append(_resource(each))
        listed.extend(_subresource(each, entry) for entry in each.subresources)
    spelled = f"{group_name}/{version_name}" if group_name else version_name
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": spelled, "resources": listed}


def _resource(each: ResourceType) -> Json:
    kind = each.kind
    resource: Json = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": sorted(each.verbs),
    }
    if kind.short_names:
        resource["shortNames"] = list(kind.short_names)
    if each.categories:
        resource["categories"] = list(each.categories)
    return resource


def _subresource(each: ResourceType, entry: Subresource) -> Json:
    resource: Json = {
        "name": f"{each.kind.plural}/{entry.name}",
        "singularName": "",
        "namespaced": each.kind.namespaced,
        "kind": entry.kind or each.kind.name,
        "verbs": sorted(entry.verbs),
    }
    return resource | ({"group": entry.group, "version": entry.version} if entry.version else {})


def aggregated(catalog: Catalog, *, core: bool, version: str) -> Json:
    """Return the APIGroupDiscoveryList of `/api` (core) or `/apis` in the `apidiscovery.k8s.io` version asked for."""
    found = {"": ("v1",)} if core else catalog.groups()
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None},
            "versions": [_discovered_version(catalog, name, each) for each in versions],
        }
        for name, versions in found.items()
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"{_DISCOVERY_GROUP}/{version}",
        "metadata": {},
        "items": items,
    }


def _discovered_version(catalog: Catalog, group_name: str, version_name: str) -> Json:
    listed = [_discovered(each, version_name) for each in catalog.served(group_name, version_name)]
    return {"version": version_name, "resources": listed, "freshness": "Current"}


def _discovered(each: ResourceType, version_name: str) -> Json:
    kind = each.kind
    resource: Json = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": version_name, "kind": kind.name},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": sorted(each.verbs),
    }
    if kind.short_names:
        resource["shortNames"] = list(kind.short_names)
    if each.categories:
        resource["categories"] = list(each.categories)
    if each.subresources:
        resource["subresources"] = [
            {
                "subresource": entry.name,
                "responseKind": {
                    "group": entry.group or ("" if entry.kind else kind.group),
                    "version": entry.version or version_name,
                    "kind": entry.kind or kind.name,
                },
                "verbs": sorted(entry.verbs),
            }
            for entry in each.subresources
        ]
    return resource


def wanted_discovery(accept: str) -> str | None:
    """Return the version of aggregated discovery that an Accept header prefers; None for the old form."""
    for part in accept.split(","):
        parameters = dict(
            (key.strip(), value.strip()) for key, _, value in (entry.partition("=") for entry in part.split(";")[1:])
        )
        media = part.split(";")[0].strip()
        if parameters.get("as") == "APIGroupDiscoveryList" and parameters.get("g") == _DISCOVERY_GROUP:
            if media == "application/json" and parameters.get("v") in ("v2", "v2beta1"):
                return parameters["v"]
        elif media in ("application/json", "*/*"):
            return None
    return None


PATHS = (
    "/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version",
)  # fmt: skip
"""Paths that `/` lists besides groups and versions."""


def index(catalog: Catalog) -> Json:
    """Return `/`: the paths that are served."""
    found = [*PATHS]
    for name, versions in catalog.groups().items():
        found.extend([f"/apis/{name}", *(f"/apis/{name}/{each}" for each in versions)])
    return {"paths": sorted(found)}
