"""Rules of a DestinationRule. istio: ValidateDestinationRule in pkg/config/validation/validation.go."""

from simulator.model.resources import Resource
from simulator.validation import names
from simulator.validation.problems import Problems, at, error, errors_only
from simulator.validation.selectors import exported_to, workload_selector
from simulator.validation.traffic_policy import traffic_policy


def validate(resource: Resource) -> Problems:
    """Check a DestinationRule."""
    spec = resource.spec
    yield from at(("spec", "host"), names.domain(spec.get("host") or ""))
    yield from at(("spec", "trafficPolicy"), traffic_policy(resource.namespace, spec.get("trafficPolicy")))
    seen: set[str] = set()
    for number, subset in enumerate(spec.get("subsets") or ()):
        name, path = subset.get("name") or "", ("spec", "subsets", number)
        if name in seen:
            yield error(f"duplicate subset names: {name}", *path, "name")
        seen.add(name)
        yield from at((*path, "name"), subset_name(name))
        yield from at((*path, "labels"), names.labels(subset.get("labels")))
        policy = traffic_policy(resource.namespace, subset.get("trafficPolicy"))
        yield from at((*path, "trafficPolicy"), errors_only(policy))
    selector = spec.get("workloadSelector")
    exports = exported_to(resource.namespace, spec.get("exportTo") or (), selecting=selector is not None)
    yield from at(("spec",), exports)
    yield from at(("spec",), workload_selector({"workloadSelector": selector}))


def subset_name(name: str) -> Problems:
    """Check the name of a subset."""
    if not name:
        yield error("subset name cannot be empty")
    elif not names.is_label(name):
        yield error(f"subset name is invalid: {name}")
