"""Hypothesis strategies: requests that reach the rules of a mesh, its senders, and small meshes."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from simulator.model.errors import SimulatorError
from simulator.model.proxies import ProxyId
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

    Half of them are derived from the destination's routes and authorization rules, which random requests would rarely
    match; the rest have random paths. `headers` adds headers, each with one of the given values.
    """
    targets = list(_targets(mesh, to))
    if not targets:
        raise SimulatorError(f"no service {to}; hosts are {', '.join(mesh.hosts)}")
    hosts = frozenset(host for host, _ in targets)
    known = mesh.keep(f"examples {to}", lambda: list(_examples(mesh, hosts)))
    examples = [each for each in known if each.method in methods]
    pairs = [st.tuples(st.just(name), st.sampled_from(values)) for name, values in (headers or {}).items()]
    extra = st.lists(st.one_of(*pairs), max_size=len(pairs), unique_by=lambda pair: pair[0]) if pairs else st.just([])
    read = list(dict.fromkeys(pair for each in known for pair in each.headers))
    some = st.lists(st.one_of(st.sampled_from(read), _HEADER) if read else _HEADER, max_size=2)
    by_chance = st.builds(Witness, authority=st.just(""), target=_PATH, method=st.sampled_from(list(methods)))

    @st.composite
    def drawn(draw: st.DrawFn) -> Request:
        host, port = draw(st.sampled_from(targets))
        chosen = draw(st.one_of(st.sampled_from(examples), by_chance) if examples else by_chance)
        found = dict([*draw(some), *chosen.headers, *draw(extra)])
        return Request(
            host=host,
            port=port,
            scheme="https" if port == 443 else "http",
            method=chosen.method,
            target=chosen.target,
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


def _examples(mesh: TestMesh, hosts: Container[str]) -> Iterator[Witness]:
    """Yield examples of requests that match a route of the hosts, or an authorization rule at the destination."""
    found: dict[Witness, None] = {}
    seen: set[int] = set()
    behind = _behind(mesh, hosts)
    for proxy in mesh.mesh.proxies():
        made = mesh.mesh.configuration(proxy)
        for route_configuration in _unseen(made.get("routes", ()), seen):
            found |= dict.fromkeys(_of_routes(route_configuration, hosts))
        for listener in _unseen(made.get("listeners", ()), seen) if proxy in behind else ():
            for rules in filter_rules(listener):
                found |= dict.fromkeys(_of_rules(rules))
    yield from found


def _behind(mesh: TestMesh, hosts: Container[str]) -> frozenset[ProxyId]:
    """Return the proxies of the pods that serve the hosts."""
    directory = mesh.mesh.directory()
    addresses = {
        backend.address
        for host, record in directory.services.items()
        if host in hosts
        for backends in record.backends.values()
        for backend in backends
    }
    served = (each.proxy for each in directory.workloads if addresses & set(each.addresses))
    return frozenset(proxy for proxy in served if proxy is not None)


def _unseen(documents: Sequence[Any], seen: set[int]) -> Iterator[Any]:
    """Yield documents that no earlier proxy had, by identity: proxies share equal ones."""
    for each in documents:
        if id(each) not in seen:
            seen.add(id(each))
            yield each


def _of_routes(configuration: Any, hosts: Container[str]) -> Iterator[Witness]:
    for virtual_host in configuration.get("virtual_hosts", ()):
        if any(domain_example(str(domain)) in hosts for domain in virtual_host.get("domains", ())):
            for route in virtual_host.get("routes", ()):
                yield from route_witnesses(route.get("match") or {}, "")


def _of_rules(rules: Any) -> Iterator[Witness]:
    """Yield examples with the paths and methods of each policy, combined within the policy."""
    for policy in (rules.get("policies") or {}).values():
        for target in rule_paths(policy) or ["/"]:
            for method in rule_methods(policy) or ["GET"]:
                yield Witness(authority="", target=target, method=method)


def mesh_plans(*, services: int = 3) -> st.SearchStrategy[MeshPlan]:
    """Draw the plan of a small mesh with up to `services` services."""
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
    """Draw a small mesh; `extra` is YAML added to each, such as the policy under test."""
    return mesh_plans(services=services).map(lambda plan: TestMesh.from_manifests(yaml=manifests(plan) + extra))
