"""One proxy's configuration, whatever document it was read from.

A config dump (`/config_dump`, snake_case or camelCase, with or without EDS), or the bare lists `listeners`, `routes`,
`clusters`, `endpoints`. Documents stay as they are: a field this package does not know is ignored, not lost.
Envoy: envoy/admin/v3/config_dump_shared.proto.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from simulator.envoy.documents import UnreadableDocument, child, children, short_type, snake_case, text
from simulator.model.wire import Json

_DYNAMIC_LISTENER_STATES = ("active_state", "warming_state", "draining_state")


class Conversions:
    """Documents in snake_case, each converted once: proxies of a simulated mesh share most of theirs."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Json, Json]] = {}

    def __call__(self, document: Json) -> Json:
        """Return `document` with snake_case field names. It is kept, so that its identity stays its own."""
        known = self._done.get(id(document))
        if known is None:
            known = self._done[id(document)] = (document, snake_case(document))
        return known[1]


class Config:
    """Envoy resources by name. Documents are converted to snake_case when first asked for."""

    def __init__(
        self,
        *,
        convert: Callable[[Json], Json] = snake_case,
        listeners: Iterable[Any] = (),
        routes: Iterable[Any] = (),
        clusters: Iterable[Any] = (),
        endpoints: Iterable[Any] = (),
        extensions: Iterable[Any] = (),
    ) -> None:
        self._raw: dict[str, list[Any]] = {
            "listeners": list(listeners),
            "routes": list(routes),
            "clusters": list(clusters),
            "endpoints": list(endpoints),
            "extensions": list(extensions),
        }
        self._convert = convert
        self._views: dict[tuple[str, int], Any] = {}

    @cached_property
    def listeners(self) -> tuple[Json, ...]:
        """Every listener, in the order of the document."""
        return self._documents("listeners")

    @cached_property
    def clusters(self) -> Mapping[str, Json]:
        """Clusters by name."""
        return _by_name(self._documents("clusters"), "name")

    @cached_property
    def routes(self) -> Mapping[str, Json]:
        """Route configurations by name."""
        return _by_name(self._documents("routes"), "name")

    @cached_property
    def endpoints(self) -> Mapping[str, Json]:
        """Load assignments by cluster name."""
        return _by_name(self._documents("endpoints"), "cluster_name")

    @cached_property
    def extensions(self) -> Mapping[str, Json]:
        """Filter configurations delivered on their own (ECDS), by name."""
        return _by_name(self._documents("extensions"), "name")

    def view(self, kind: str, document: Json, make: Callable[[Json], Any]) -> Any:
        """Return `make(document)`, made once for each document of this configuration."""
        key = (kind, id(document))
        if key not in self._views:
            self._views[key] = (document, make(document))
        return self._views[key][1]

    def _documents(self, kind: str) -> tuple[Json, ...]:
        found = []
        for document in self._raw[kind]:
            if not isinstance(document, dict):
                raise UnreadableDocument(f"{kind}: expected a list of objects")
            found.append(self._convert(document))
        return tuple(found)

    @classmethod
    def read(cls, document: Any, *, convert: Callable[[Json], Json] = snake_case) -> "Config":
        """Read a config dump, or an object of lists; raise UnreadableDocument when it is neither.

        `convert` makes snake_case of a resource: `Conversions` does it once for all configurations that share it.
        """
        if isinstance(document, cls):
            return document
        if not isinstance(document, Mapping):
            raise UnreadableDocument("expected an Envoy config dump")
        if "configs" in document:
            return _from_dump(document, convert)
        names = ("listeners", "routes", "clusters", "endpoints", "extensions")
        lists = {name: document.get(name) or () for name in names}
        if not any(name in document for name in names):
            raise UnreadableDocument("found neither `configs` nor lists of listeners, routes and clusters")
        if not all(isinstance(value, (list, tuple)) for value in lists.values()):
            raise UnreadableDocument("listeners, routes, clusters and endpoints must be lists")
        return cls(convert=convert, **lists)


def _by_name(documents: Iterable[Json], field: str) -> dict[str, Json]:
    return {text(document, field): document for document in documents}


def _from_dump(document: Mapping[str, Any], convert: Callable[[Json], Json]) -> Config:
    found: dict[str, list[Any]] = {"listeners": [], "routes": [], "clusters": [], "endpoints": [], "extensions": []}
    for section in children(document, "configs"):
        kind = short_type(text(section, "@type"))
        reader = _SECTIONS.get(kind)
        if reader is not None:
            reader(_shallow(section), found)
    return Config(convert=convert, **found)


def _shallow(section: Json) -> Json:
    """Rename the section's own fields only: what lies in them is converted when it is used."""
    return {"".join(f"_{c.lower()}" if c.isupper() else c for c in key): value for key, value in section.items()}


def _entries(section: Json, field: str) -> list[Json]:
    return [_shallow(entry) for entry in children(section, field)]


def _listeners(section: Json, found: dict[str, list[Any]]) -> None:
    found["listeners"] += [child(entry, "listener") for entry in _entries(section, "static_listeners")]
    for entry in _entries(section, "dynamic_listeners"):
        for state in _DYNAMIC_LISTENER_STATES:
            if entry.get(state):
                found["listeners"].append(child(child(entry, state), "listener"))
                break


def _clusters(section: Json, found: dict[str, list[Any]]) -> None:
    for field in ("static_clusters", "dynamic_active_clusters", "dynamic_warming_clusters"):
        found["clusters"] += [child(entry, "cluster") for entry in _entries(section, field)]


def _routes(section: Json, found: dict[str, list[Any]]) -> None:
    for field in ("static_route_configs", "dynamic_route_configs"):
        found["routes"] += [
            child(entry, "route_config") for entry in _entries(section, field) if entry.get("route_config")
        ]
    # inline configurations are listed without a name of their own and are read from their listener instead
    found["routes"] = [route for route in found["routes"] if route.get("name")]


def _endpoints(section: Json, found: dict[str, list[Any]]) -> None:
    for field in ("static_endpoint_configs", "dynamic_endpoint_configs"):
        found["endpoints"] += [
            child(entry, "endpoint_config") for entry in _entries(section, field) if entry.get("endpoint_config")
        ]


def _extensions(section: Json, found: dict[str, list[Any]]) -> None:
    found["extensions"] += [child(entry, "ecds_filter") for entry in _entries(section, "ecds_filters")]


_SECTIONS: Mapping[str, Callable[[Json, dict[str, list[Any]]], None]] = {
    "ListenersConfigDump": _listeners,
    "ClustersConfigDump": _clusters,
    "RoutesConfigDump": _routes,
    "ScopedRoutesConfigDump": lambda section, found: None,
    "EndpointsConfigDump": _endpoints,
    "EcdsConfigDump": _extensions,
}
