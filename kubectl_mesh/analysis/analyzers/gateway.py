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


Place = tuple[int, str, str]
"""Port, host and the address that the port is bound to."""


def _conflicts(world: World) -> Iterator[Finding]:
    claims: dict[Place, list[Resource]] = {}
    for gateway in world.of_kind("Gateway"):
        latest: dict[int, Json] = {_number(server): server for server in _servers(gateway)}
        for place in dict.fromkeys(place for server in latest.values() for place in _places(server)):
            claims.setdefault(place, []).append(gateway)
    for gateway in world.of_kind("Gateway"):
        for server in _servers(gateway):
            others = dict.fromkeys(other for place in _places(server) for other in claims.get(place, ()))
            rivals = [other for other in others if other is not gateway and _overlap(world, gateway, other)]
            if rivals:
                names = ",".join(sorted(full_name(each) for each in rivals))
                hosts = ",".join(server.get("hosts") or ())
                arguments = (names, selector_text(_selector(gateway)), str(_number(server)), hosts)
                yield Finding(code="IST0145", resource=gateway, arguments=arguments, related=tuple(rivals))


def _number(server: Json) -> int:
    return (server.get("port") or {}).get("number") or 0


def _places(server: Json) -> list[Place]:
    return [(_number(server), host, server.get("bind") or "") for host in server.get("hosts") or ()]


def _overlap(world: World, gateway: Resource, other: Resource) -> bool:
    """Tell whether both select the same pods: by equal selectors, or one that is part of the other and a common pod."""
    own, text = selector_text(_selector(gateway)), selector_text(_selector(other))
    return text == own or ((text in own or own in text) and _share_pod(world, gateway, other))


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
