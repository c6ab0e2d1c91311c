"""Hypothesis strategies: requests that meet the rules of a mesh, its senders, and small meshes themselves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from simulator.model.errors import SimulatorError
from simulator.model.requests import Request, Tls
from simulator.spaces.rules import filter_rules, rule_methods, rule_paths
from simulator.spaces.witnesses import Witness, domain_example, route_witnesses
from simulator.testing.generated import MeshPlan, ServicePlan, manifests
from simulator.testing.meshes import TestMesh

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._~", min_size=1, max_size=8)
_PATH = st.lists(_WORD, max_size=3).map(lambda words: "/" + "/".join(words))
_HEADER = st.tuples(_WORD.map(lambda word: f"x-{word.strip('.~')}x"), _WORD)


def senders(mesh: TestMesh, *, namespaces: Sequence[str] = ()) -> st.SearchStrategy[str]:
    """Draw a workload of the mesh, in the form that `mesh.trace` takes."""
    names = [name for name in mesh.workloads if not namespaces or name.partition("/")[0] in namespaces]
    if not names:
        known = sorted({name.partition("/")[0] for name in mesh.workloads})
        raise SimulatorError(
            f"no workload in {', '.join(namespaces)}; namespaces with workloads are {', '.join(known)}"
        )
    return st.sampled_from(names)


def requests(
    mesh: TestMesh,
    *,
    to: str = "",
    methods: Sequence[str] = _METHODS,
    headers: Mapping[str, Sequence[str]] | None = None,
) -> st.SearchStrategy[Request]:
    """Draw a request to a service of the mesh, or to `namespace/name` or host `to`.

    Half of them are made from the mesh's own rules, of routes and of authorization, so that rules are met that chance
    would miss; the rest have any path. `headers` adds headers with one of these values each.
    """
    targets = list(_targets(mesh, to))
    if not targets:
        raise SimulatorError(f"no service {to}; hosts are {', '.join(mesh.hosts)}")
    known = mesh.keep("rules", lambda: _known_parts(mesh))
    pairs = [st.tuples(st.just(name), st.sampled_from(values)) for name, values in (headers or {}).items()]
    extra = st.lists(st.one_of(*pairs), max_size=len(pairs), unique_by=lambda pair: pair[0]) if pairs else st.just([])

    @st.composite
    def drawn(draw: st.DrawFn) -> Request:
        host, port = draw(st.sampled_from(targets))
        paths = st.one_of(st.sampled_from(known["paths"]), _PATH) if known["paths"] else _PATH
        usual = [each for each in known["methods"] if each in methods] or list(methods)
        given = (
            st.lists(st.one_of(st.sampled_from(known["headers"]), _HEADER), max_size=2) if known["headers"] else None
        )
        found = dict([*(draw(given) if given is not None else ()), *draw(extra)])
        return Request(
            host=host,
            port=port,
            scheme="https" if port == 443 else "http",
            method=draw(st.one_of(st.sampled_from(usual), st.sampled_from(list(methods)))),
            target=draw(paths),
            headers=tuple(found.items()),
            tls=Tls.SIMPLE if port == 443 else Tls.NONE,
            sni=host if port == 443 else "",
            random=draw(st.none() | st.floats(0, 1, exclude_max=True)),
        )

    return drawn()


def _targets(mesh: TestMesh, to: str) -> Iterator[tuple[str, int]]:
    for host, record in sorted(mesh.mesh.directory().services.items()):
        name = f"{record.namespace}/{record.source.name}" if record.source is not None else ""
        if to in ("", host, name) and "*" not in host:
            yield from ((host, port) for port in sorted(record.backends))


def _known_parts(mesh: TestMesh) -> dict[str, list[Any]]:
    """Return the paths, methods and headers that some rule of the mesh reads."""
    witnesses: dict[Witness, None] = {}
    paths: dict[str, None] = {}
    methods: dict[str, None] = {}
    seen: set[int] = set()
    for proxy in mesh.mesh.proxies():
        made = mesh.mesh.configuration(proxy)
        for route_configuration in _unseen(made.get("routes", ()), seen):
            witnesses |= dict.fromkeys(_witnesses(route_configuration))
        for listener in _unseen(made.get("listeners", ()), seen):
            for rules in filter_rules(listener):
                paths |= dict.fromkeys(rule_paths(rules))
                methods |= dict.fromkeys(rule_methods(rules))
    return {
        "paths": list(dict.fromkeys([*(each.target for each in witnesses), *paths])),
        "methods": list(dict.fromkeys([*(each.method for each in witnesses), *methods])),
        "headers": list(dict.fromkeys(pair for each in witnesses for pair in each.headers)),
    }


def _unseen(documents: Sequence[Any], seen: set[int]) -> Iterator[Any]:
    """Yield documents that no proxy before had: equal ones are shared."""
    for each in documents:
        if id(each) not in seen:
            seen.add(id(each))
            yield each


def _witnesses(configuration: Any) -> Iterator[Witness]:
    for host in configuration.get("virtual_hosts", ()):
        authority = domain_example(str(next(iter(host.get("domains", ())), "*")))
        for route in host.get("routes", ()):
            yield from route_witnesses(route.get("match") or {}, authority)


def mesh_plans(*, services: int = 3) -> st.SearchStrategy[MeshPlan]:
    """Draw what a small mesh consists of; `services` is the most there are."""
    names = st.sampled_from(["web", "cart", "catalog", "orders", "users", "mail"][: max(services, 1) + 1])
    path = st.sampled_from(["", "/", "/api", "/api/v1", "/admin"])
    service = st.builds(
        ServicePlan,
        name=names,
        namespace=st.sampled_from(["shop", "pay"]),
        versions=st.integers(1, 2),
        sidecar=st.booleans() | st.just(True),
        port=st.sampled_from([80, 8080, 9090]),
        protocol=st.sampled_from(["http", "http", "http", "tcp", "grpc"]),
        canary=st.integers(0, 100),
        routed_path=path,
        denied_path=path,
        mutual_tls=st.sampled_from(["", "STRICT", "PERMISSIVE", "DISABLE"]),
    )
    several = st.lists(service, min_size=1, max_size=services, unique_by=lambda each: (each.namespace, each.name))
    return st.builds(MeshPlan, services=several.map(tuple), mutual_tls=st.sampled_from(["", "STRICT", "PERMISSIVE"]))


def meshes(*, services: int = 3, extra: str = "") -> st.SearchStrategy[TestMesh]:
    """Draw a small mesh; `extra` is YAML that every one of them gets, such as the policy under test."""
    return mesh_plans(services=services).map(lambda plan: TestMesh.from_manifests(yaml=manifests(plan) + extra))
