"""Which workload does a user name as the sender of a request? Pods without a proxy can be senders too."""

from kubectl_mesh.diagnosis.suggestions import SHORT_KINDS, Known, suggest
from kubectl_mesh.diagnosis.targets import Target, readings
from kubectl_mesh.errors import AmbiguousName, NothingFound
from simulator.model.directory import Directory, Workload
from simulator.model.proxies import Role
from simulator.model.resources import ObjectRef

OUTSIDE = "outside"


def find_sender(directory: Directory, text: str, *, namespace: str = "") -> Workload | None:
    """Return the workload that a name stands for, the first pod of several; None for `outside`."""
    if text == OUTSIDE:
        return None
    for target in readings(text, namespace=namespace):
        found = [each for each in directory.workloads if _is_meant(each, target, directory)]
        homes = sorted({each.namespace for each in found})
        if len(homes) > 1:
            raise AmbiguousName(f"{text}: in namespaces {' and '.join(homes)}", hint=f"write {homes[0]}/{text}")
        if found:
            return min(found, key=lambda each: each.name)
    meant = readings(text, namespace=namespace)[0]
    pods = [(each.namespace, each.name) for each in directory.workloads]
    names = [_typed(each) for each in directory.workloads]
    hint = suggest(meant.name, meant.namespace, workloads=names, others=pods)
    raise NothingFound(f"{text}: no such workload{_where(meant.namespace)}", hint=hint)


def sender_name(workload: Workload) -> str:
    """Return the name under which `find_sender` finds a workload."""
    kind = "gateway" if workload.role is Role.GATEWAY else SHORT_KINDS.get(workload.owner_kind.lower(), "")
    return f"{workload.namespace}/{kind}/{workload.owner}" if kind else f"{workload.namespace}/{workload.name}"


def _is_meant(workload: Workload, target: Target, directory: Directory) -> bool:
    kind = target.kind.lower()
    if kind == "gateway" and any(_is_named(each, target) for each in workload.gateways):
        return True
    if target.namespace not in ("", workload.namespace):
        return False
    if kind == "pod":
        return workload.name == target.name
    if kind == "service":
        return _serves(workload, target, directory)
    if kind == "gateway":
        return workload.role is Role.GATEWAY and _is_gateway(workload, target, directory)
    if kind:
        return workload.owner == target.name and workload.owner_kind.lower() in (kind, "")
    return target.name in (workload.name, workload.owner) or _serves(workload, target, directory)


def _serves(workload: Workload, target: Target, directory: Directory) -> bool:
    """Tell whether a service of that name leads to the workload."""
    return any(
        record.source is not None
        and (record.source.kind, record.source.name) == ("Service", target.name)
        and target.namespace in ("", record.namespace)
        and any(one.address in workload.addresses for backends in record.backends.values() for one in backends)
        for record in directory.services.values()
    )


def _is_named(gateway: ObjectRef, target: Target) -> bool:
    return gateway.name == target.name and target.namespace in ("", gateway.namespace)


def _is_gateway(workload: Workload, target: Target, directory: Directory) -> bool:
    return target.name in workload.gateway_names or _serves(workload, target, directory)


def _where(namespace: str) -> str:
    return f" in namespace {namespace}" if namespace else ""


def _typed(workload: Workload) -> Known:
    """Return a workload in the form of the command line."""
    kind = SHORT_KINDS.get(workload.owner_kind.lower(), "")
    return workload.namespace, f"{kind}/{workload.owner}" if kind else workload.name
