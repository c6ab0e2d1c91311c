"""The analyzer interface. An analyzer declares the kinds it reads, so that a run can report what it could not check."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.world import World


class Analyzer(Protocol):
    """One check. Stateless: everything it needs is in the world."""

    @property
    def name(self) -> str:
        """istioctl's name where it has the check, such as `virtualservice.GatewayAnalyzer`."""
        ...

    @property
    def description(self) -> str:
        """What is checked, in one line."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """Kinds that it reads; it does not run unless the source shows all of them."""
        ...

    def analyze(self, world: World) -> Iterator[Finding]:
        """Yield what is wrong."""
        ...


_NOT_ANALYZED = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
"""Kubernetes' own namespaces, which istioctl skips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An analyzer that is one function."""

    name: str
    description: str
    inputs: tuple[str, ...]
    run: Callable[[World], Iterator[Finding]]
    hints: tuple[str, ...] = ()
    """Kinds that make it more precise; without them it reports less rather than guess."""

    def analyze(self, world: World) -> Iterator[Finding]:
        """Yield what is wrong, except in Kubernetes' own namespaces."""
        for finding in self.run(world):
            resource = finding.resource
            if resource is None or (resource.namespace or resource.name) not in _NOT_ANALYZED:
                yield finding
