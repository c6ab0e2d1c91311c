"""The names of resources and positions in findings. istioctl: pkg/config/analysis/legacy/source/kube/origin.go."""

from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.messages import message_of
from simulator.manifests.positions import field_line
from simulator.model.resources import Resource, field_path


def friendly_name(resource: Resource) -> str:
    """Return `Kind namespace/name`."""
    return (
        f"{resource.kind} {resource.namespace}/{resource.name}"
        if resource.namespace
        else f"{resource.kind} {resource.name}"
    )


def reference(finding: Finding) -> str:
    """Return `file:line` as istioctl prints it; empty for what comes from a cluster.

    istioctl has no lines for JSON, and for errors of istiod's validation only the line where the document begins.
    """
    resource = finding.resource
    if resource is None or not resource.origin.source or not resource.origin.line:
        return ""
    if resource.origin.source.endswith(".json"):
        return resource.origin.source
    if message_of(finding).whole_document or not finding.path:
        return f"{resource.origin.source}:{document_line(resource)}"
    return f"{resource.origin.source}:{field_line(resource, finding.path)}"


def document_line(resource: Resource) -> int:
    """Return the line after the `---` of a document, which may be a comment."""
    above = 0
    for line in resource.origin.text.splitlines():
        content = line.strip()
        if content and not content.startswith(("#", "---")):
            break
        above = 0 if content.startswith("---") else above + 1
    return resource.origin.line - above


def place(finding: Finding) -> tuple[str, int]:
    """Return the file and the exact line of the field at fault; an empty name and 0 for what comes from a cluster."""
    resource = finding.resource
    if resource is None or not resource.origin.line:
        return "", 0
    return resource.origin.source, field_line(resource, finding.path)


def field_name(finding: Finding) -> str:
    """Return the field at fault, such as `spec.http[0].route`."""
    return field_path(finding.path)
