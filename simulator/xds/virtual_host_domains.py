"""The domains under which a sidecar reaches a service.

istiod: pilot/pkg/networking/core/httproute.go (generateVirtualHostDomains, GenerateAltVirtualHosts, dedupeDomains).
"""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from simulator.model.services import UNSPECIFIED, Registry, Resolution, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressTraits:
    """The facts of a proxy that decide which addresses of a service it dials."""

    ipv4: bool = True
    ipv6: bool = False
    every_family: bool = False
    """A proxy of both families is told the addresses of both (ISTIO_DUAL_STACK, ambient)."""
    auto_addresses: bool = False
    """DNS is captured, so addresses allocated to ServiceEntries are dialled."""


def bracketed(host: str) -> str:
    """Put an IPv6 address in brackets, as authorities have it."""
    return f"[{host}]" if ":" in host else host


def host_port(host: str, port: int) -> str:
    """Join host and port."""
    return f"{bracketed(host)}:{port}"


def service_domains(
    service: Service, *, port: int | None, dns_domain: str, addresses: Iterable[str], absolute: bool = True
) -> tuple[list[str], frozenset[str]]:
    """Return the domains of a service, and those among them that are only other spellings of its host.

    `port` None leaves ports out; else every domain also comes as `domain:port`. `absolute` adds the host with a final
    dot.
    """
    domains: list[str] = []
    spellings: list[str] = []
    for host in (service.host, *service.aliases):
        others = list(_with_port(_spellings(host, dns_domain, absolute=absolute), port))
        domains += _with_port([host], port)
        domains += others
        spellings += others
    if service.resolution is Resolution.PASSTHROUGH and service.registry is Registry.KUBERNETES:
        domains += [f"*.{domain}" for domain in domains]
    domains += _with_port([address for address in addresses if address and address != UNSPECIFIED], port)
    return domains, frozenset(spellings)


def proxy_addresses(service: Service, traits: AddressTraits, *, single_auto: bool) -> tuple[str, ...]:
    """Return the addresses of a service that a proxy dials.

    With `single_auto` a ServiceEntry has one allocated address, which is how route configurations of one port see it.
    """
    assigned = _assigned(service)
    if not assigned and not single_auto and traits.auto_addresses:
        assigned = service.auto_addresses
    if not (traits.every_family and traits.ipv4 and traits.ipv6):
        assigned = _of_families(assigned, traits)
    if assigned:
        return assigned
    address = _single_address(service, traits) if single_auto else service.address
    if _assigned(service):
        return _of_families((address,), traits)
    return (address,)


def first_address(service: Service, traits: AddressTraits) -> str:
    """Return the address that stands for a service where one has to be chosen, as a listener does."""
    return _single_address(service, traits)


def alternate_names(host: str, dns_domain: str, *, absolute: bool) -> list[str]:
    """Return other names by which a client in `dns_domain` may ask for a host, with `absolute` the one with a dot."""
    return _spellings(host, dns_domain, absolute=absolute)


def without_duplicates(
    domains: Sequence[str], *, taken: set[str], spellings: frozenset[str], known: set[str]
) -> list[str]:
    """Drop domains that an earlier virtual host has, and spellings that are another service's own host.

    The domains that are left are added to `taken`.
    """
    kept = []
    for domain in domains:
        lower = domain.lower()
        if lower in taken or (domain in known and domain in spellings):
            continue
        kept.append(domain)
        taken.add(lower)
    return kept


def _assigned(service: Service) -> tuple[str, ...]:
    """Return cluster IPs; other registries have none."""
    if service.registry is not Registry.KUBERNETES or service.address == UNSPECIFIED:
        return ()
    return service.addresses


def _single_address(service: Service, traits: AddressTraits) -> str:
    assigned = _of_families(_assigned(service), traits)
    if assigned:
        return assigned[0]
    if traits.auto_addresses and service.address == UNSPECIFIED:
        wanted = [(4, traits.ipv4), (6, traits.ipv6)]
        for version, supported in wanted:
            for address in service.auto_addresses:
                if supported and _version(address) == version:
                    return address
    return service.address


def _of_families(addresses: Sequence[str], traits: AddressTraits) -> tuple[str, ...]:
    """Keep the addresses of the proxy's families; one with both takes the family that the service puts first."""
    wanted = {4: traits.ipv4, 6: traits.ipv6}
    if traits.ipv4 and traits.ipv6 and addresses:
        wanted = {_version(addresses[0]): True}
    return tuple(address for address in addresses if wanted.get(_version(address), False))


@lru_cache(maxsize=65536)
def _version(address: str) -> int:
    try:
        return ipaddress.ip_address(address.partition("/")[0]).version
    except ValueError:
        return 0


def _with_port(hosts: Iterable[str], port: int | None) -> Iterator[str]:
    for host in hosts:
        yield bracketed(host)
        if port is not None:
            yield host_port(host, port)


def _spellings(host: str, dns_domain: str, *, absolute: bool) -> list[str]:
    """Return other names by which a client in `dns_domain` may ask for a host: absolute, and without suffixes."""
    result = [f"{host}."] if absolute and not _version(host) else []
    namespace, found, suffix = dns_domain.partition(".svc.")
    if not found:
        return result + _shared_suffix_spellings(host, dns_domain)
    if not host.endswith(f".svc.{suffix}"):
        return result
    short, _, _ = host.partition(".svc.")
    name, dot, host_namespace = short.partition(".")
    if not short or not dot:
        return result
    if host_namespace == namespace:
        return [*result, name, f"{short}.svc", short]
    return [*result, short, f"{short}.svc"]


def _shared_suffix_spellings(host: str, dns_domain: str) -> list[str]:
    """Cut the suffix that host and client share, outside Kubernetes naming."""
    unique = host.split(".")
    shared: list[str] = []
    for mine, theirs in zip(reversed(host.split(".")), reversed(dns_domain.split(".")), strict=False):
        if mine != theirs:
            break
        shared.insert(0, unique.pop())
    if not shared:
        return []
    short = ".".join(unique)
    return [short, f"{short}.{shared[0]}"] if len(unique) == 2 else [short]
