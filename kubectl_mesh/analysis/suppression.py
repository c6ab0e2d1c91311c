"""Suppressed findings: by the command line, by an annotation, or by the chosen namespace.

istioctl: pkg/config/analysis/local/istiod_analyze.go (suppressed by code and friendly name), legacy/source/kube.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.origins import friendly_name
from kubectl_mesh.errors import UsageError

ANNOTATION = "galley.istio.io/analyze-suppress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """`CODE=OBJECT`; `*` in the object stands for anything."""

    code: str
    resource: str

    def matches(self, finding: Finding) -> bool:
        """Tell whether a finding is suppressed."""
        if self.code != finding.code or finding.resource is None:
            return False
        pattern = ".*".join(re.escape(part) for part in self.resource.split("*"))
        return any(re.fullmatch(pattern, name) for name in _names(finding))


def _names(finding: Finding) -> Iterator[str]:
    """Yield the forms of an object's name: istioctl's own, and the one in its help."""
    resource = finding.resource
    if resource is not None:
        yield friendly_name(resource)
        if resource.namespace:
            yield f"{resource.kind} {resource.name}.{resource.namespace}"


def parse_suppression(text: str) -> Suppression:
    """Read `CODE=OBJECT`."""
    code, equals, resource = text.partition("=")
    if not equals or "=" in resource:
        raise UsageError(
            f"{text} is not a valid suppression value", hint='--suppress "IST0103=Pod NAMESPACE/NAME"; * stands for any'
        )
    return Suppression(code=code, resource=resource)


def audible(findings: Iterable[Finding], *, suppressions: Sequence[Suppression], namespace: str) -> Iterator[Finding]:
    """Yield the findings of a namespace (all for an empty one) that nothing suppresses."""
    for finding in findings:
        is_muted = _is_annotated(finding) or any(each.matches(finding) for each in suppressions)
        if not is_muted and (not namespace or _is_in(finding, namespace)):
            yield finding


def _is_annotated(finding: Finding) -> bool:
    if finding.resource is None:
        return False
    codes = [code.strip() for code in str(finding.resource.annotations.get(ANNOTATION, "")).split(",")]
    return "*" in codes or finding.code in codes


def _is_in(finding: Finding, namespace: str) -> bool:
    resource = finding.resource
    if resource is None:
        return True
    home = resource.name if resource.kind == "Namespace" else resource.namespace
    return not home or home == namespace
