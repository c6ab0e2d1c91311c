"""Which workload does a user mean that sends a request? Pods without a proxy send requests too."""

from collections.abc import Sequence

from kubectl_mesh.diagnosis.targets import Target, readings
from kubectl_mesh.errors import AmbiguousName, NothingFound
from simulator.model.directory import Directory, Workload
from simulator.model.proxies import Role
from simulator.model.resources import ObjectRef

OUTSIDE = "outside"
_LISTED = 6
_KINDS = {"deployment": "deploy", "statefulset": "sts", "daemonset": "ds"}


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
    raise NothingFound(f"{text}: no such workload{_where(namespace)}", hint=_suggest(text, directory.workloads))


def sender_name(workload: Workload) -> str:
    """Return the name of a workload by which `find_sender` finds it."""
    kind = "gateway" if workload.role is Role.GATEWAY else _KINDS.get(workload.owner_kind.lower(), "")
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


def _suggest(text: str, workloads: Sequence[Workload]) -> str:
    from difflib import get_close_matches

    names = list(dict.fromkeys(f"{each.owner or each.name}.{each.namespace}" for each in workloads))
    close = get_close_matches(text.rpartition("/")[2], names, n=3, cutoff=0.5)
    if not close and (context := text.split("/")[:-1]):
        close = get_close_matches(f"{text.rpartition('/')[2]}.{context[0]}", names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"workloads are {', '.join(names[:_LISTED])}{' …' if len(names) > _LISTED else ''}; or `{OUTSIDE}`"
