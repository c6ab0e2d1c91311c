from collections.abc import Mapping

from kubectl_mesh.analysis.installation import (
    CREATIONS,
    changed_defaults,
    gateway_api_versions,
    kubernetes_version,
    refused_creations,
)
from kubectl_mesh.analysis.messages import text
from tests.unit.analysis import service, world


def _definition(kind: str, versions: str) -> str:
    return f"""
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: {{name: {kind.lower()}s.gateway.networking.k8s.io}}
    spec: {{group: gateway.networking.k8s.io, names: {{kind: {kind}}}, versions: [{versions}]}}
    """


def test_old_gateway_api_definitions_are_reported() -> None:
    """A kind needs the beta version now and the stable one later."""
    old = world(_definition("HTTPRoute", "{name: v1alpha2, served: true}, {name: v1beta1, served: false}"))
    given = [f"{each.code} {each.arguments}" for each in gateway_api_versions(old)]
    assert given == ["IST0156 ('v1alpha2', 'v1beta1')", "IST0172 ('v1alpha2', 'v1')"]


def test_current_gateway_api_definitions_are_fine() -> None:
    """A kind that serves both versions is not reported."""
    both = "{name: v1, served: true}, {name: v1beta1, served: true}"
    assert list(gateway_api_versions(world(_definition("HTTPRoute", both)))) == []


def test_old_kubernetes_is_reported() -> None:
    """A version below the oldest supported one is, that one is not."""
    (given,) = kubernetes_version("v1.31.4")
    assert text(given) == 'The Kubernetes Version "v1.31.4" is lower than the minimum version: 1.32'
    assert list(kubernetes_version("v1.32.0-gke.1")) == []


class _Api:
    """An API server that refuses some kinds, with a reason or without one."""

    def __init__(self, refusals: Mapping[str, str]) -> None:
        self._refusals = refusals
        self.asked: dict[str, str] = {}

    def kubernetes_version(self) -> str:
        """Return a version that is new enough."""
        return "v1.32.0"

    def refusal_to_create(self, resource: str, *, group: str, namespace: str) -> str | None:
        """Return the reason that the test gives."""
        self.asked[f"{resource}.{group}".rstrip(".")] = namespace
        return self._refusals.get(resource)


def test_refused_creations_have_a_reason() -> None:
    """Kinds that may not be created are named, with the API server's reason where it gives one."""
    api = _Api({"namespaces": "", "deployments": "no role"})
    assert [text(each) for each in refused_creations(api, istio_namespace="mesh")] == [
        "Missing required permission to create resource namespaces (permission denied)",
        "Missing required permission to create resource deployments (no role)",
    ]


def test_creations_are_asked_where_they_would_happen() -> None:
    """Roles and workloads are asked for in Istio's namespace, the rest for the cluster."""
    api = _Api({})
    assert list(refused_creations(api, istio_namespace="mesh")) == []
    assert len(api.asked) == len(CREATIONS)
    assert api.asked["roles.rbac.authorization.k8s.io"] == api.asked["deployments.apps"] == "mesh"
    assert api.asked["clusterroles.rbac.authorization.k8s.io"] == ""


def test_zipkin_was_a_default_until_1_21() -> None:
    """Upgrades from 1.21 with zipkin lose traces."""
    zipkin = world(service("zipkin", namespace="istio-system"))
    assert [each.code for each in changed_defaults(zipkin, since=21)] == ["IST0169"]
    assert list(changed_defaults(zipkin, since=22)) == []
