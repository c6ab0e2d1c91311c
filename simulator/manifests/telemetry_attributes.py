"""What an OpenTelemetry tracer is told of the service, where the mesh config asks for semantic conventions.

istiod: pkg/kube/inject/template.go (otelResourceAttributes).
"""

from simulator.manifests.template_context import Context
from simulator.model.wire import Json

_PREFIX = "resource.opentelemetry.io/"
_WANTED = "OTEL_SEMANTIC_CONVENTIONS"


def resource_attributes(context: Context) -> str:
    """Return the value of OTEL_RESOURCE_ATTRIBUTES; empty where no provider enriches attributes so."""
    providers = context.injector.mesh.get("extensionProviders") or ()
    if not any((one.get("opentelemetry") or {}).get("serviceAttributeEnrichment") == _WANTED for one in providers):
        return ""
    containers: list[Json] = list(context.spec.get("containers") or ())
    first = containers[0] if containers else {}
    version = context.labels.get("app.kubernetes.io/version")
    attributes = {
        "service.namespace": context.namespace,
        "service.version": version or (_image_version(first.get("image", "")) if len(containers) == 1 else ""),
        "service.instance.id": f"{context.namespace}.$(POD_NAME).{first.get('name', '')}" if containers else "",
    }
    told = {name: context.annotations.get(_PREFIX + name) or value for name, value in attributes.items()}
    return ",".join(f"{name}={value}" for name, value in told.items() if value)


def _image_version(image: str) -> str:
    """Return an image's tag and digest, joined by @ where it has both."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return "@".join(part for part in (tag, digest) if part)
