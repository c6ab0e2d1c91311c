"""What address a client gets for a name.

A proxy that answers DNS knows the table that istiod gave it; otherwise cluster DNS knows Kubernetes services, and the
rest is left to public DNS, of which nothing is known unless the user says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.model.addresses import is_address
from simulator.model.directory import Directory, ServiceRecord, Workload
from simulator.model.traces import Step, StepKind

_ALIASES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The answer of DNS. No addresses and `public` means: a name outside the cluster, taken to exist."""

    found: bool
    addresses: tuple[str, ...]
    step: Step
    public: bool = False
    alias_of: str = ""
    """The public name that a name of the cluster stands for."""


Names = Mapping[str, tuple[str, ...]]
"""Host → addresses: the DNS table of a proxy that answers its client's questions."""


def resolve(
    directory: Directory, host: str, *, port: int, client: Workload | None, table: Names | None = None
) -> Resolved:
    """Resolve a name for a client; None means outside the cluster, and no proxy that answers DNS."""
    bare = host.strip("[]")
    if is_address(bare):
        return _answer((bare,), chosen=bare, because="an address needs no name resolution")
    if host.rstrip(".").lower() == "localhost":
        return _answer(
            ("127.0.0.1",), chosen="127.0.0.1", because="the client's own pod" if client else "the client's own machine"
        )
    host = host.lower()
    given = directory.resolve.get(host) or directory.resolve.get(host.rstrip("."))
    if given:
        return _answer((given,), chosen=given, because="as the request says")
    if client is None:
        return _public(host)
    searched = tuple(directory.search_path(host, client.namespace))
    for name in searched:
        entry = _table_entry(table, name)
        if table is not None and entry:
            addresses, record = tuple(table[entry]), directory.services.get(entry)
            because, source = f"the proxy's DNS table has {entry}", record.source if record is not None else None
            return _answer(addresses, chosen=", ".join(addresses), because=because, document=source)
        found = _kubernetes(directory, name, port=port)
        if found is not None:
            return found
    if absent := next((each for name in searched if (each := _absent_pod(directory, name))), None):
        return absent
    return _public(host) if _may_be_public(directory, host) else _missing(searched)


def _table_entry(table: Names | None, name: str) -> str:
    """Return the entry of a DNS table for a name: its own, else the closest wildcard; empty without one."""
    if table is None:
        return ""
    labels = name.split(".")
    wildcards = (".".join(("*", *labels[position:])) for position in range(1, len(labels)))
    return next((entry for entry in (name, *wildcards) if entry in table), "")


def _answer(addresses: tuple[str, ...], *, chosen: str, because: str, document: object = None) -> Resolved:
    step = Step(kind=StepKind.NAME_RESOLUTION, chosen=chosen, because=because, document=document)
    return Resolved(found=True, addresses=addresses, step=step)


def _public(host: str) -> Resolved:
    because = f"{host} is no name of the cluster: public DNS is taken to know it, at an address not known here"
    step = Step(kind=StepKind.NAME_RESOLUTION, chosen="public DNS", because=because)
    return Resolved(found=True, addresses=(), step=step, public=True)


def _missing(searched: Iterable[str]) -> Resolved:
    because = f"no service of the cluster is named {', '.join(searched)}"
    step = Step(kind=StepKind.NAME_RESOLUTION, chosen="none", because=because)
    return Resolved(found=False, addresses=(), step=step)


def _absent_pod(directory: Directory, name: str) -> Resolved | None:
    """Refuse a name below that of a service of the cluster, where only pods of headless ones have names."""
    pod, _, host = name.partition(".")
    record = directory.services.get(host)
    if record is None or not record.kubernetes:
        return None
    because = (
        f"service {host} has no pod named {pod}"
        if record.headless
        else f"service {host} is not headless: its pods have no names"
    )
    step = Step(kind=StepKind.NAME_RESOLUTION, chosen="none", because=because, document=record.source)
    return Resolved(found=False, addresses=(), step=step)


def _may_be_public(directory: Directory, host: str) -> bool:
    """Tell whether a name could be one of public DNS: it has a domain that is not the cluster's."""
    labels = host.rstrip(".").split(".")
    if len(labels) < 2 or host.rstrip(".").endswith(f".{directory.domain}") or labels[-1] == "svc":
        return False
    if "svc" in labels[2:3] and len(labels) <= 3:
        return False
    namespaces = {record.namespace for record in directory.services.values()} | {
        workload.namespace for workload in directory.workloads
    }
    return len(labels) > 2 or labels[-1] not in namespaces


def _kubernetes(directory: Directory, name: str, *, port: int) -> Resolved | None:
    """Ask cluster DNS for one fully qualified name."""
    for _ in range(_ALIASES):
        record = directory.services.get(name)
        if record is None or not record.kubernetes:
            return _pod_of_headless(directory, name)
        if not record.external_name:
            return _service(record, port)
        alias, name = record, record.external_name.rstrip(".").lower()
        if not (target := directory.services.get(name)) or not target.kubernetes:
            because = f"{alias.host} is an alias of {name}, which public DNS is taken to know"
            step = Step(kind=StepKind.NAME_RESOLUTION, chosen=name, because=because, document=alias.source)
            return Resolved(found=True, addresses=(), step=step, public=True, alias_of=name)
    return None


def _service(record: ServiceRecord, port: int) -> Resolved:
    if not record.headless and record.addresses:
        because = f"the address of service {record.host}"
        return _answer(record.addresses, chosen=record.addresses[0], because=because, document=record.source)
    pods = [one.address for one in record.backends.get(port, ()) if one.ready]
    if not pods:
        pods = [one.address for backends in record.backends.values() for one in backends if one.ready]
    addresses = tuple(dict.fromkeys(pods))
    if addresses:
        because = f"service {record.host} is headless: its pods' own addresses"
        return _answer(addresses, chosen=", ".join(addresses), because=because, document=record.source)
    step = Step(
        kind=StepKind.NAME_RESOLUTION,
        chosen="none",
        because=f"service {record.host} is headless and has no ready pod",
        document=record.source,
    )
    return Resolved(found=False, addresses=(), step=step)


def _pod_of_headless(directory: Directory, name: str) -> Resolved | None:
    """Resolve `pod.service`, the name of a member of a StatefulSet."""
    pod, _, host = name.partition(".")
    record = directory.services.get(host)
    if record is None or not record.headless:
        return None
    workload = directory.workload(pod, record.namespace)
    members = {one.address for backends in record.backends.values() for one in backends}
    if workload is None or not members & set(workload.addresses):
        return None
    addresses = workload.addresses
    return _answer(addresses, chosen=addresses[0], because=f"pod {pod} of {host}", document=workload.source)
