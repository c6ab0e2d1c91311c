"""Identities in ALLOW policies that no workload has.

A principal is `TRUST DOMAIN/ns/NAMESPACE/sa/SERVICE ACCOUNT`. Judged only where the namespace's workloads are known:
files rarely hold every caller, and other meshes have identities of their own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.default_resources import SOURCE
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import WORKLOAD_KINDS, pods
from kubectl_mesh.analysis.policies import rule_sources
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Resource

_PRINCIPAL = re.compile(r"([^/*]+)/ns/([^/*]+)/sa/([^/*]+)")
_EXACT = re.compile(r"([^/*]+)/([^/*]+)")


@dataclass(slots=True)
class Identities:
    """Service accounts by namespace."""

    namespaces: set[str] = field(default_factory=set)
    """Namespaces that exist, where they are known."""
    accounts: dict[str, set[str]] = field(default_factory=dict)

    def lack(self, namespace: str, account: str) -> bool:
        """Tell whether it is certain that no workload has this identity."""
        if namespace in self.accounts:
            return account not in self.accounts[namespace]
        return bool(self.namespaces) and namespace not in self.namespaces and not namespace.startswith("istio")


def identities(world: World) -> Identities:
    """Collect the service accounts that exist, and those that workloads run as."""
    found = Identities()
    if not world.partial:
        found.namespaces = {each.name for each in world.of_kind("Namespace")}
    declared: dict[str, set[str]] = {}
    for account in world.of_kind("ServiceAccount"):
        declared.setdefault(account.namespace, set()).add(account.name)
    for pod in world.once(pods).all:
        if pod.resource.origin.source == SOURCE:
            continue
        used = pod.spec.get("serviceAccountName") or pod.spec.get("serviceAccount") or "default"
        found.accounts.setdefault(pod.namespace, set()).add(used)
    for entry in (*world.of_kind("WorkloadEntry"), *world.of_kind("WorkloadGroup")):
        template = entry.spec.get("template") or entry.spec
        used = template.get("serviceAccount") or "default"
        found.accounts.setdefault(entry.namespace, set()).add(used)
    for namespace, names in declared.items():
        if namespace in found.accounts:
            found.accounts[namespace] |= names
    return found


def _nobody(world: World) -> Iterator[Finding]:
    known = world.once(identities)
    own = {
        world.mesh.get("trustDomain") or "cluster.local",
        "cluster.local",
        *(world.mesh.get("trustDomainAliases") or ()),
    }
    for policy in world.of_kind("AuthorizationPolicy"):
        if (policy.spec.get("action") or "ALLOW") != "ALLOW":
            continue
        for path, source in rule_sources(policy):
            for index, principal in enumerate(source.get("principals") or ()):
                found = _PRINCIPAL.fullmatch(str(principal).removeprefix("spiffe://"))
                if found and found[1] in own and known.lack(found[2], found[3]):
                    yield _finding(policy, (*path, "principals", index), principal, f"{found[2]}/{found[3]}")
            for index, written in enumerate(source.get("serviceAccounts") or ()):
                name = written if "/" in str(written) else f"{policy.namespace}/{written}"
                exact = _EXACT.fullmatch(name)
                if exact and known.lack(exact[1], exact[2]):
                    yield _finding(policy, (*path, "serviceAccounts", index), written, name)


def _finding(policy: Resource, path: tuple[str | int, ...], written: str, account: str) -> Finding:
    return Finding(
        code="KM0009",
        resource=policy,
        arguments=(written, account),
        path=path,
        witness=f"no workload runs as service account {account}, so no request matches this source",
    )


ANALYZERS = (
    Check(
        name="mesh.UnknownIdentities",
        description="Finds ALLOW policies for identities that no workload has",
        inputs=("AuthorizationPolicy", "Pod"),
        hints=(*WORKLOAD_KINDS, "Namespace", "ServiceAccount", "WorkloadEntry", "WorkloadGroup"),
        run=_nobody,
    ),
)
