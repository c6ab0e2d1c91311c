"""Resources that select workloads within their namespace: which select none, which select the same."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.pods import Pods, PodView
from kubectl_mesh.analysis.references import at, selector_path, selector_text
from simulator.model.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """The path of a kind's selector, and the code for two resources that select the same pod."""

    path: tuple[str, ...]
    conflict: str

    def labels(self, resource: Resource) -> dict[str, str]:
        """Return the labels that a resource selects by."""
        found: dict[str, str] = resource.get(*self.path) or {}
        return found

    def unselective(self, resource: Resource) -> Finding:
        """Return the finding about a resource that selects nothing."""
        text = selector_text(self.labels(resource))
        path = selector_path(resource, *self.path)
        return Finding(code="IST0101", resource=resource, arguments=("selector", text), path=path)

    def selected(
        self, resources: Iterable[Resource], pods: Pods
    ) -> tuple[list[Finding], list[tuple[PodView, list[Resource]]]]:
        """Return findings about resources that select nothing, and each pod with the resources that select it."""
        nothing = []
        by_pod: dict[PodView, list[Resource]] = {}
        for resource in resources:
            found = list(pods.selected(self.labels(resource), namespace=resource.namespace))
            if not found:
                nothing.append(self.unselective(resource))
            for pod in found:
                by_pod.setdefault(pod, []).append(resource)
        return nothing, list(by_pod.items())

    def conflicts(self, pod: PodView, resources: list[Resource]) -> Iterator[Finding]:
        """Yield a finding for each of several resources that select one pod."""
        names = sorted_names(resources)
        for resource in resources:
            yield Finding(
                code=self.conflict,
                resource=resource,
                arguments=(names, pod.namespace, pod.name),
                path=at(resource, "metadata", "name"),
                related=tuple(each for each in resources if each is not resource),
            )


def sorted_names(resources: Iterable[Resource]) -> tuple[str, ...]:
    """Return names without namespaces, sorted."""
    return tuple(sorted(each.name for each in resources))


def unselective_by_namespace(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    """Group resources that apply to a whole namespace."""
    found: dict[str, list[Resource]] = {}
    for resource in resources:
        found.setdefault(resource.namespace, []).append(resource)
    return found
