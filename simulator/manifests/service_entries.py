"""Addresses that istiod's controller writes into the status of ServiceEntries without one.

istiod: pilot/pkg/controllers/ipallocate, pilot/pkg/networking/serviceentry/ip_autoallocation.go. The controller
counts up in the order in which it meets the resources; here an address depends on namespace, name and host alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from simulator.manifests.identity import SERVICE_ENTRY_NETWORKS, AddressPool
from simulator.model.resources import Resource
from simulator.model.wire import Json

FLAG = "PILOT_ENABLE_IP_AUTOALLOCATE"
OPT_OUT = "networking.istio.io/enable-autoallocate-ip"


def allocate_addresses(entries: Iterable[Resource], *, flags: Mapping[str, str]) -> tuple[Resource, ...]:
    """Return the ServiceEntries with `status.addresses` filled in, in order of namespace and name."""
    ordered = sorted(entries, key=lambda entry: (entry.namespace, entry.name))
    if flags.get(FLAG, "true").lower() in ("false", "0", "f"):
        return tuple(ordered)
    taken = [address for entry in ordered for address in _addresses(entry)]
    pools = [AddressPool(network, taken=taken) for network in SERVICE_ENTRY_NETWORKS]
    return tuple(_allocated(entry, pools) for entry in ordered)


def _addresses(entry: Resource) -> Iterable[str]:
    yield from entry.spec.get("addresses") or ()
    assigned = entry.status.get("addresses")
    for address in assigned if isinstance(assigned, list) else ():  # the status in a file is not validated
        if isinstance(address, dict) and isinstance(address.get("value"), str):
            yield address["value"]


def _is_wanted(entry: Resource) -> bool:
    return (
        entry.spec.get("resolution", "NONE") != "NONE"
        and not entry.spec.get("addresses")
        and not entry.status.get("addresses")
        and entry.labels.get(OPT_OUT, "").lower() != "false"
    )


def _allocated(entry: Resource, pools: Sequence[AddressPool]) -> Resource:
    if not _is_wanted(entry):
        return entry
    dynamic = entry.spec.get("resolution") == "DYNAMIC_DNS"
    hosts = [host for host in entry.spec.get("hosts") or () if dynamic or not host.startswith("*")]
    addresses: list[Json] = [
        {"value": pool.take("ServiceEntry", entry.namespace, entry.name, host), "host": host}
        for host in dict.fromkeys(hosts)
        for pool in pools
    ]
    if not addresses:
        return entry
    return replace(entry, document={**entry.document, "status": {**entry.status, "addresses": addresses}})
