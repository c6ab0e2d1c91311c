"""The addresses of a service that a proxy listens on (istiod: pilot/pkg/model/service.go, GetAddressForProxy)."""

from simulator.model.services import Service
from simulator.registry.snapshot import Snapshot
from simulator.xds.listener_settings import ListenerSettings
from simulator.xds.virtual_host_domains import AddressTraits, first_address, proxy_addresses


def service_address(service: Service, settings: ListenerSettings) -> str:
    """Return the address by which clients of the proxy's family dial a service; it may be a CIDR or unspecified."""
    return first_address(service, _traits(settings, every_family=False))


def extra_addresses(snapshot: Snapshot, service: Service, settings: ListenerSettings) -> tuple[str, ...]:
    """Return the further addresses of a service, those of the other family."""
    return all_addresses(snapshot, service, settings)[1:]


def all_addresses(snapshot: Snapshot, service: Service, settings: ListenerSettings) -> tuple[str, ...]:
    """Return every address by which the proxy's clients may dial a service."""
    both = settings.dual_stack or snapshot.flag("PILOT_ENABLE_AMBIENT", default=False)
    return proxy_addresses(service, _traits(settings, every_family=both), single_auto=False)


def _traits(settings: ListenerSettings, *, every_family: bool) -> AddressTraits:
    return AddressTraits(
        ipv4=settings.ipv4,
        ipv6=settings.ipv6,
        every_family=every_family,
        auto_addresses=settings.uses_auto_addresses,
    )
