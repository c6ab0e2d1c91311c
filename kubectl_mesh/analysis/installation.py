"""Whether Istio can be installed in a cluster, or upgraded: the checks of `precheck`.

istioctl: istioctl/pkg/precheck/precheck.go, istioctl/pkg/install/k8sversion. IST0168 is in the catalogue, but nothing
in 1.30 emits it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.gathering import only
from kubectl_mesh.analysis.grants import GATEWAY_API
from kubectl_mesh.analysis.registry import chosen
from kubectl_mesh.analysis.runner import in_order
from kubectl_mesh.analysis.suppression import audible
from kubectl_mesh.analysis.world import World
from kubectl_mesh.errors import NotAvailable
from kubectl_mesh.sources.base import KubernetesApi, MeshSource

OLDEST_KUBERNETES = 32
"""The minor version."""
_BETA = ("v1beta1", frozenset({"Gateway", "GatewayClass", "HTTPRoute", "ReferenceGrant"}), "IST0156")
_STABLE = ("v1", frozenset({"Gateway", "GatewayClass", "HTTPRoute", "GRPCRoute"}), "IST0172")
_MINOR = re.compile(r"v?1\.(\d+)")
_KINDS = ("CustomResourceDefinition", "Namespace", "Service", "Pod", "Deployment")
_ANALYZERS = ("annotations.AlphaAnalyzer",)
_TRACED_UNTIL = 21
_TRACING = (
    "tracing is no longer by default enabled to send to 'zipkin.istio-system.svc'; "
    "follow https://istio.io/latest/docs/tasks/observability/distributed-tracing/telemetry-api/"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """A kind of resource that an installation creates; `namespaced` ones in Istio's own namespace."""

    resource: str
    group: str = ""
    namespaced: bool = False


CREATIONS = (
    Creation(resource="namespaces"),
    Creation(resource="clusterroles", group="rbac.authorization.k8s.io"),
    Creation(resource="clusterrolebindings", group="rbac.authorization.k8s.io"),
    Creation(resource="customresourcedefinitions", group="apiextensions.k8s.io"),
    Creation(resource="roles", group="rbac.authorization.k8s.io", namespaced=True),
    Creation(resource="serviceaccounts", namespaced=True),
    Creation(resource="services", namespaced=True),
    Creation(resource="deployments", group="apps", namespaced=True),
    Creation(resource="configmaps", namespaced=True),
    Creation(resource="mutatingwebhookconfigurations", group="admissionregistration.k8s.io"),
    Creation(resource="validatingwebhookconfigurations", group="admissionregistration.k8s.io"),
)


def precheck(
    source: MeshSource, *, istio_namespace: str, namespace: str, control_plane: bool, since: int | None
) -> tuple[Finding, ...]:
    """Return obstacles to installing Istio, or to upgrading it from the minor version `since`.

    `namespace` limits the checks of annotations; empty for all. Raises NotAvailable where the source has no API server,
    unless `control_plane` leaves out the checks that need one.
    """
    found: list[Finding] = []
    if control_plane:
        if not isinstance(source, KubernetesApi):
            hint = "leave -f, --demo and --bundle out, or add --skip-controlplane"
            raise NotAvailable("only a live cluster shows what can be installed in it", hint=hint)
        world = only(_KINDS, source)
        found += kubernetes_version(source.kubernetes_version())
        found += refused_creations(source, istio_namespace=istio_namespace)
        found += gateway_api_versions(world)
        alpha = (finding for each in chosen(_ANALYZERS) for finding in each.analyze(world))
        found += audible(alpha, suppressions=(), namespace=namespace)
    if since is not None:
        found += changed_defaults(only(("Service",), source), since=since)
    return in_order(found)


def refused_creations(api: KubernetesApi, *, istio_namespace: str) -> Iterator[Finding]:
    """Yield a finding for each kind of resource that the user may not create."""
    for each in CREATIONS:
        namespace = istio_namespace if each.namespaced else ""
        refusal = api.refusal_to_create(each.resource, group=each.group, namespace=namespace)
        if refusal is not None:
            yield Finding(code="IST0141", resource=None, arguments=(each.resource, refusal or "permission denied"))


def kubernetes_version(version: str) -> Iterator[Finding]:
    """Yield a finding when a version, such as `v1.31.4`, is too old for Istio; unreadable ones pass."""
    found = _MINOR.match(version)
    if found and int(found[1]) < OLDEST_KUBERNETES:
        yield Finding(code="IST0142", resource=None, arguments=(version, f"1.{OLDEST_KUBERNETES}"))


def gateway_api_versions(world: World) -> Iterator[Finding]:
    """Yield the Gateway API's definitions that do not serve the versions that Istio reads."""
    for definition in world.of_kind("CustomResourceDefinition"):
        if definition.spec.get("group") != GATEWAY_API:
            continue
        versions = definition.spec.get("versions") or ()
        served = sorted(str(each.get("name")) for each in versions if each.get("served"))
        for needed, kinds, code in (_BETA, _STABLE):
            if definition.get("spec", "names", "kind") in kinds and needed not in served:
                yield Finding(code=code, resource=definition, arguments=(",".join(served) or "none", needed))


def changed_defaults(world: World, *, since: int) -> Iterator[Finding]:
    """Yield a finding for each resource whose behaviour has changed since the minor version `since` of Istio."""
    zipkin = world.find("Service", "istio-system", "zipkin")
    if since <= _TRACED_UNTIL and zipkin is not None:
        arguments = ("meshConfig.defaultConfig.tracer", "1.21", _TRACING, "1.21")
        yield Finding(code="IST0169", resource=zipkin, arguments=arguments)
