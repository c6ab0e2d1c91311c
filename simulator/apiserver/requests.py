"""What an HTTP request asks the API server for: its path, its verb, the form of its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from simulator.apiserver.authorization import Attributes
from simulator.apiserver.catalog import Catalog
from simulator.apiserver.lists import Form
from simulator.apiserver.objects import Target
from simulator.apiserver.statuses import StatusError, bad_request, no_such_path, not_simulated

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_ELSEWHERE = frozenset({"approval", "attach", "binding", "ephemeralcontainers", "proxy", "resize"})
"""Subresources of real clusters that are not simulated, since nothing runs in containers here."""
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
JSON_TYPES = frozenset({"application/json", "application/*", "*/*", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRequest:
    """A request on a resource type, an object, or a path below one. `rest` follows `proxy/`."""

    target: Target
    verb: str
    rest: str = ""

    @property
    def attributes(self) -> Attributes:
        """The attributes that the authorizer decides by."""
        return Attributes(
            verb=self.verb,
            group=self.target.type.kind.group,
            resource=self.target.type.kind.plural,
            subresource=self.target.subresource,
            namespace=self.target.namespace,
            name=self.target.name,
        )


def resource_request(catalog: Catalog, method: str, path: str, query: Mapping[str, str]) -> ResourceRequest | None:
    """Read the path of a resource; None for a path that belongs to none. Raises StatusError for an unknown resource."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if any("/" in part or "\0" in part for part in parts):
        raise bad_request("a part of the path may not contain a slash")
    if "" in parts and "proxy" not in parts:
        return None
    if parts[:2] == ["api", "v1"] and len(parts) > 2:
        group, version, rest = "", "v1", parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and not (len(rest) == 3 and rest[2] in _NAMESPACE_SUBRESOURCES):
        namespace, rest = rest[1], rest[2:]
    each = catalog.at(group, version, rest[0])
    if each is None or (namespace and not each.kind.namespaced):
        raise no_such_path()
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if subresource == "finalize":
        subresource = "status"
    if subresource and each.subresource(subresource) is None:
        raise not_simulated(each.kind.plural, subresource) if subresource in _ELSEWHERE else no_such_path()
    if len(rest) > 3 and subresource != "proxy":
        raise no_such_path()
    if name and each.kind.namespaced and not namespace:
        raise no_such_path()
    target = Target(type=each, version=version, namespace=namespace, name=name, subresource=subresource)
    return ResourceRequest(target=target, verb=_verb(method, name, query), rest="/".join(rest[3:]))


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    if method in ("GET", "HEAD"):
        if query.get("watch") in ("true", "1"):
            return "watch"
        return "get" if name else "list"
    if method == "DELETE" and not name:
        return "deletecollection"
    if method not in _VERBS:
        raise StatusError(code=405, reason="MethodNotAllowed", message=f"the method {method} is not allowed")
    return _VERBS[method]


def accepted_form(accept: str) -> Form:
    """Return the first supported form of an Accept header. Raises StatusError when there is none."""
    for part in accept.split(","):
        media, _, text = part.strip().partition(";")
        if media.strip() not in JSON_TYPES:
            continue
        pairs = (entry.partition("=")[::2] for entry in text.split(";"))
        parameters = {key.strip(): value.strip() for key, value in pairs}
        wanted = parameters.get("as", "").removesuffix("List")
        if not wanted:
            return Form.OBJECT
        if (
            parameters.get("g") == "meta.k8s.io"
            and parameters.get("v") == "v1"
            and wanted in ("Table", "PartialObjectMetadata")
        ):
            return Form(wanted)
    message = "only the following media types are accepted: application/json"
    raise StatusError(code=406, reason="NotAcceptable", message=message)
