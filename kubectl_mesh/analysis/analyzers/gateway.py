"""Gateways: do they select a proxy, can their ports be reached, are their certificates there, do they collide.

istiod: pkg/config/analysis/analyzers/gateway.
"""

from collections.abc import Iterator, Mapping

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.certificates import holds_certificate
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import WORKLOAD_KINDS, pods
from kubectl_mesh.analysis.references import at, full_name, named, selector_path, selector_text
from kubectl_mesh.analysis.services import Services, services
from kubectl_mesh.analysis.world import World
from simulator.model.labels import selects
from simulator.model.resources import Resource
from simulator.model.wire import Json


def _selector(gateway: Resource) -> Mapping[str, str]:
    return gateway.spec.get("selector") or {}


def _servers(gateway: Resource) -> list[Json]:
    return gateway.spec.get("servers") or []


def _unselective(gateway: Resource) -> Finding:
    return Finding(
        code="IST0101",
        resource=gateway,
        arguments=("selector", selector_text(_selector(gateway))),
        path=selector_path(gateway, "spec", "selector"),
    )


def _ports(world: World) -> Iterator[Finding]:
    known, backing = world.once(pods), world.once(services)
    for gateway in world.of_kind("Gateway"):
        selected = list(known.selected(_selector(gateway)))
        if not selected:
            yield _unselective(gateway)
            continue
        reachable: set[int] = set()
        for namespace, labels in {(pod.namespace, tuple(sorted(pod.labels.items()))) for pod in selected}:
            for service in backing.selecting(namespace, dict(labels)):
                reachable |= set(_reachable(service))
        for server in _servers(gateway):
            number = (server.get("port") or {}).get("number") or 0
            if server.get("port") is not None and number not in reachable:
                yield Finding(
                    code="IST0162",
                    resource=gateway,
                    arguments=(number, selector_text(_selector(gateway))),
                    path=selector_path(gateway, "spec", "selector"),
                )


def _reachable(service: Resource) -> Iterator[int]:
    """Yield the ports of a service and those of its pods: a gateway may name either."""
    for port in Services.ports(service):
        if (port.get("protocol") or "TCP") != "TCP":
            continue
        yield port.get("port") or 0
        target = str(port.get("targetPort") or "")
        if target.isdigit():
            yield int(target)


def _same_certificates(world: World) -> Iterator[Finding]:
    by_certificate: dict[tuple[str, ...], list[Resource]] = {}
    for gateway in world.of_kind("Gateway"):
        for key in _certificates(gateway):
            by_certificate.setdefault(key, []).append(gateway)
    for gateway in world.of_kind("Gateway"):
        others: dict[Resource, None] = {}
        for key in _certificates(gateway):
            others |= dict.fromkeys(other for other in by_certificate[key] if other is not gateway)
        for other in sorted(others, key=full_name):
            if selects(_selector(gateway), _selector(other)):
                yield Finding(
                    code="IST0138",
                    resource=gateway,
                    arguments=((full_name(gateway), full_name(other)),),
                    path=at(gateway, "metadata", "name"),
                    related=(other,),
                )


def _certificates(gateway: Resource) -> list[tuple[str, ...]]:
    keys: dict[tuple[str, ...], None] = {}
    for server in _servers(gateway):
        tls = server.get("tls") or {}
        if tls.get("credentialName"):
            keys["name", tls["credentialName"]] = None
        elif tls.get("serverCertificate") and tls.get("privateKey"):
            keys["file", tls["serverCertificate"], tls["privateKey"]] = None
    return list(keys)


def _secrets(world: World) -> Iterator[Finding]:
    known = world.once(pods)
    for gateway in world.of_kind("Gateway"):
        pod = next(known.selected(_selector(gateway)), None)
        if pod is None:
            yield _unselective(gateway)
            continue
        for index, server in enumerate(_servers(gateway)):
            credential = (server.get("tls") or {}).get("credentialName")
            if not credential:
                continue
            path = at(gateway, "spec", "servers", index, "tls", "credentialName")
            secret = world.find("Secret", *named(pod.namespace, credential))
            if secret is None:
                arguments = ("credentialName", credential)
                yield Finding(code="IST0101", resource=gateway, arguments=arguments, path=path)
            elif not holds_certificate(secret, now=world.now):
                arguments = (gateway.name, pod.namespace)
                yield Finding(code="IST0161", resource=gateway, arguments=arguments, path=path, related=(secret,))


Binding = tuple[str, Resource, dict[str, str]]
"""Selector, gateway, and its hosts on one port with the address each is bound to."""


def _conflicts(world: World) -> Iterator[Finding]:
    on_port: dict[int, list[Binding]] = {}
    for gateway in world.of_kind("Gateway"):
        text = selector_text(_selector(gateway))
        latest: dict[int, dict[str, str]] = {}
        for server in _servers(gateway):
            number = (server.get("port") or {}).get("number") or 0
            latest[number] = dict.fromkeys(server.get("hosts") or (), server.get("bind") or "")
        for number, hosts in latest.items():
            on_port.setdefault(number, []).append((text, gateway, hosts))
    for gateway in world.of_kind("Gateway"):
        for server in _servers(gateway):
            number = (server.get("port") or {}).get("number") or 0
            rivals = _rivals(world, gateway, server, bindings=on_port.get(number, []))
            if rivals:
                names = ",".join(sorted(full_name(each) for each in rivals))
                hosts_text = ",".join(server.get("hosts") or ())
                arguments = (names, selector_text(_selector(gateway)), str(number), hosts_text)
                yield Finding(code="IST0145", resource=gateway, arguments=arguments, related=tuple(rivals))


def _rivals(world: World, gateway: Resource, server: Json, *, bindings: list[Binding]) -> list[Resource]:
    own = selector_text(_selector(gateway))
    wanted, bind = set(server.get("hosts") or ()), server.get("bind") or ""
    found = []
    for text, other, hosts in bindings:
        if other is gateway or not any(hosts.get(host) == bind for host in wanted):
            continue
        if text == own or ((text in own or own in text) and _share_pod(world, gateway, other)):
            found.append(other)
    return found


def _share_pod(world: World, one: Resource, other: Resource) -> bool:
    both = {**_selector(one), **_selector(other)}
    if not (selects(_selector(one), both) and selects(_selector(other), both)):
        return False
    return next(world.once(pods).selected(both), None) is not None


ANALYZERS = (
    Check(
        name="gateway.IngressGatewayPortAnalyzer",
        description="Checks a gateway's ports against the gateway's Kubernetes service ports",
        inputs=("Gateway", "Pod", "Service"),
        hints=WORKLOAD_KINDS,
        run=_ports,
    ),
    Check(
        name="gateway.CertificateAnalyzer",
        description="Checks a gateway certificate",
        inputs=("Gateway",),
        run=_same_certificates,
    ),
    Check(
        name="gateway.SecretAnalyzer",
        description="Checks a gateway's referenced secrets for correctness",
        inputs=("Gateway", "Pod", "Secret"),
        hints=WORKLOAD_KINDS,
        run=_secrets,
    ),
    Check(
        name="gateway.ConflictingGatewayAnalyzer",
        description="Checks a gateway's selector, port number and hosts",
        inputs=("Gateway", "Pod"),
        hints=WORKLOAD_KINDS,
        run=_conflicts,
    ),
)
