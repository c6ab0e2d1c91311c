"""Schema validation: the errors of istiod's webhook and the API server for each Istio and Gateway API object.

istio: pkg/config/analysis/analyzers/schema/validation.go.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kubectl_mesh.analysis.analyzer import Analyzer, Check
from kubectl_mesh.analysis.crd_rules import broken_rules
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.kubernetes_fields import is_written, unknown_fields
from kubectl_mesh.analysis.kubernetes_rules import contradictions
from kubectl_mesh.analysis.misfits import misfits_of
from kubectl_mesh.analysis.world import World
from simulator.model.resources import Origin, Resource
from simulator.validation.crd import Misfit, as_istiod_reads, kinds
from simulator.validation.rules import RULES, rules_of

_GATEWAY_API = "gateway.networking.k8s.io"


@dataclass(frozen=True, slots=True)
class ValidationAnalyzer:
    """Runs Istio's validation on the resources of one kind."""

    kind: str

    @property
    def name(self) -> str:
        """istioctl's name."""
        return f"schema.ValidationAnalyzer.{self.kind}"

    @property
    def description(self) -> str:
        """istioctl's description."""
        return f"Runs schema validation as an analyzer on '{self.kind}' resources"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The one kind."""
        return (self.kind,)

    def analyze(self, world: World) -> Iterator[Finding]:
        """Yield the errors and warnings of istiod's webhook."""
        resources = world.of_kind(self.kind)
        if not resources:
            return
        validate = rules_of(self.kind)
        misfits = world.once(misfits_of(self.kind))
        for resource in resources:
            found = misfits.get(resource, ())
            unreadable = [each for each in found if each.is_unreadable]
            if unreadable:  # the API server refuses it, so that istiod never sees it
                yield from _refused(resource, unreadable)
                continue
            refused = False
            for problem in validate(as_istiod_reads(resource, found)):
                refused = refused or not (problem.is_warning or problem.code)
                code = problem.code or ("IST0133" if problem.is_warning else "IST0106")
                arguments = problem.arguments or (problem.text,)
                yield Finding(code=code, resource=resource, arguments=arguments, path=problem.path)
            if not refused:  # most CEL rules repeat istiod's
                yield from _refused(resource, broken_rules(resource))


@dataclass(frozen=True, slots=True)
class MeshConfigAnalyzer:
    """Runs Istio's validation on the MeshConfig, which is part of a ConfigMap."""

    name: str = "schema.ValidationAnalyzer.MeshConfig"
    description: str = "Runs schema validation as an analyzer on 'MeshConfig' resources"
    inputs: tuple[str, ...] = ("MeshConfig", "ConfigMap")

    def analyze(self, world: World) -> Iterator[Finding]:
        """Yield istiod's errors about the MeshConfig."""
        if not world.mesh:
            return
        for refusal in world.mesh_refusals:
            config_map = world.find("ConfigMap", refusal.ref.namespace, refusal.ref.name)
            if config_map is not None:
                yield Finding(code="IST0106", resource=config_map, arguments=(refusal.message,), path=refusal.path)
        from simulator.validation.mesh_config import validate

        mesh = Resource(
            kind="MeshConfig",
            api_version="",
            namespace=world.mesh.get("rootNamespace") or "istio-system",
            name="meshconfig",
            document={"spec": world.mesh},
            origin=Origin(source=""),
        )
        for problem in validate(mesh):
            code = "IST0133" if problem.is_warning else "IST0106"
            yield Finding(code=code, resource=mesh, arguments=(problem.text,), path=problem.path)


@dataclass(frozen=True, slots=True)
class FieldAnalyzer:
    """Checks every object against the schema of its CRD."""

    name: str = "schema.FieldAnalyzer"
    description: str = "Checks the fields of Istio and Gateway API objects against their CRDs"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every kind with a known schema."""
        return tuple(sorted(_input(group, kind) for group, kind in kinds()))

    def analyze(self, world: World) -> Iterator[Finding]:
        """Yield what the API server would refuse, and the fields that it would drop."""
        for kind in self.inputs:
            found = world.once(misfits_of(kind))
            for resource in world.of_kind(kind) if found else ():
                yield from _refused(resource, found.get(resource, ()))
            if kind in RULES:
                continue
            for resource in world.of_kind(kind):
                if not any(each.is_unreadable for each in found.get(resource, ())):
                    yield from _refused(resource, broken_rules(resource))


def _written(world: World) -> Iterator[Finding]:
    for resource in filter(is_written, world.resources):
        yield from _refused(resource, unknown_fields(resource))
        yield from _refused(resource, contradictions(resource))


def _refused(resource: Resource, misfits: Iterable[Misfit]) -> Iterator[Finding]:
    for misfit in misfits:
        code = UNKNOWN_FIELD if misfit.is_unknown else MISFIT
        yield Finding(code=code, resource=resource, arguments=(misfit.text,), path=misfit.path)


UNKNOWN_FIELD, MISFIT = "KM0101", "KM0102"


def _input(group: str, kind: str) -> str:
    return f"{group}/{kind}" if group == _GATEWAY_API and kind == "Gateway" else kind


ANALYZERS: tuple[Analyzer, ...] = (
    *map(ValidationAnalyzer, RULES),
    MeshConfigAnalyzer(),
    FieldAnalyzer(),
    Check(
        name="schema.KubernetesFieldAnalyzer",
        description="Checks the fields of Kubernetes' own objects, and the metadata of all",
        inputs=(),
        run=_written,
    ),
)
