"""Which policies decide at which proxy: by selector, by the gateway's name, or by what a waypoint carries."""

import json
from typing import Any

import pytest

from kubectl_mesh.diagnosis.authorization_rules import subject as chosen
from kubectl_mesh.diagnosis.authorization_rules import table
from kubectl_mesh.diagnosis.lookup import Lookup, labels
from kubectl_mesh.diagnosis.pod_policies import Subject, applies
from kubectl_mesh.diagnosis.policy_enforcement import ordered_terms
from kubectl_mesh.diagnosis.selected_proxies import selection
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.sources.simulated import SimulatedMesh
from simulator.manifests.reading import parse_manifests
from simulator.mesh import Mesh
from tests.unit.diagnosis.ambient import AMBIENT, WAYPOINT

POD = Subject(namespace="shop", labels={"app": "web"})
GATEWAY = Subject(namespace="shop", labels={"gateway.networking.k8s.io/gateway-name": "edge", "app": "web"})
WAY = Subject(
    namespace="infra",
    labels={"gateway.networking.k8s.io/gateway-name": "way", "app": "web"},
    is_waypoint=True,
    carried=frozenset({("Service", "shop", "web"), ("ServiceEntry", "shop", "out")}),
)


def policy(namespace: str = "shop", *, app: str = "", **target: str) -> Any:
    """Make a policy with a selector or a target."""
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": app}}} if app else {}
    spec |= {"targetRefs": [target]} if target else {}
    return {"metadata": {"name": "x", "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize(
    ("one", "of", "expected"),
    [
        (policy(), POD, True),
        (policy("other"), POD, False),
        (policy("istio-system", app="web"), POD, True),
        (policy(app="api"), POD, False),
        (policy(kind="Service", name="web"), POD, False),
        (policy(app="web"), GATEWAY, True),
        (policy(kind="Gateway", name="edge"), GATEWAY, True),
        (policy("other", kind="Gateway", name="edge"), GATEWAY, False),
        (policy(kind="Service", name="web"), GATEWAY, False),
        (policy("infra"), WAY, False),
        (policy("infra", app="web"), WAY, False),
        (policy("infra", kind="Gateway", name="way"), WAY, True),
        (policy(kind="Service", name="web"), WAY, True),
        (policy(kind="Service", name="api"), WAY, False),
        (policy("infra", kind="Service", name="web"), WAY, False),
        (policy(kind="ServiceEntry", name="out"), WAY, True),
        (policy("istio-system", kind="GatewayClass", name="istio-waypoint"), WAY, True),
        (policy("infra", kind="GatewayClass", name="istio-waypoint"), WAY, False),
    ],
)
def test_who_gets_a_policy(one: Any, of: Subject, expected: bool) -> None:
    """Targets are for gateways alone, selectors for all but waypoints, and each only in its namespace."""
    assert applies(one, of, root_namespace="istio-system") is expected


ELSEWHERE = """
apiVersion: v1
kind: Namespace
metadata: {name: legacy}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: old, namespace: legacy}
spec:
  selector: {matchLabels: {app: old}}
  template:
    metadata: {labels: {app: old}}
    spec: {containers: [{name: app, image: "old:1"}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nowhere, namespace: shop}
spec: {targetRefs: [{kind: Service, group: "", name: web}], action: DENY, rules: [{}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: at-way, namespace: shop}
spec: {targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: way}], action: DENY, rules: [{}]}
"""


def mesh(*more: str) -> Lookup:
    """Return a mesh where only the service `api` has a waypoint."""
    text = "---\n".join((AMBIENT, WAYPOINT, ELSEWHERE, *more))
    return Lookup(source=SimulatedMesh(Mesh.from_resources(parse_manifests(text))), home="shop")


def policies(lookup: Lookup, name: str) -> list[str]:
    """Return the policies that `authz check` lists for a pod."""
    return sorted({row.policy.partition("[")[0] for row in table(lookup, chosen(lookup, name)).rows})


def test_policies_before_a_pod_and_at_its_waypoint() -> None:
    """A pod is decided about by its own policies and those of its waypoint; one for a service without one is idle."""
    lookup = mesh()
    assert policies(lookup, "deploy/web") == ["allow"]
    assert policies(lookup, "deploy/api") == ["at-way", "reads"]
    assert policies(lookup, "deploy/way") == ["at-way", "reads"]


def test_a_pod_outside_of_the_mesh_is_called_so() -> None:
    """Of a pod that nothing enforces policies on, no rules are listed."""
    with pytest.raises(NothingFound, match=r"pod legacy/old-.*: has no proxy and is not ambient") as error:
        policies(mesh(), "legacy/deploy/old")
    assert "check-inject legacy/old-" in error.value.hint


@pytest.mark.parametrize(
    ("kind", "namespace", "spec", "expected"),
    [
        ("RequestAuthentication", "shop", {"targetRefs": [{"kind": "Service", "name": "api"}]}, {"way"}),
        ("RequestAuthentication", "shop", {"targetRefs": [{"kind": "Service", "name": "web"}]}, set()),
        ("RequestAuthentication", "shop", {}, set()),
        ("Telemetry", "shop", {}, {"way"}),
        ("Telemetry", "istio-system", {"selector": {"matchLabels": {"istio": "ingressgateway"}}}, {"ingress"}),
        ("WasmPlugin", "istio-system", {}, {"ingress"}),
    ],
)
def test_proxies_of_other_policies(kind: str, namespace: str, spec: Any, expected: set[str]) -> None:
    """`proxy-status --config` follows the same rule for what names a service, a gateway or nothing."""
    document = {"metadata": {"name": "x", "namespace": namespace}, "spec": spec}
    lookup = mesh()
    selects = selection(lookup, json.loads(json.dumps(document)), kind=kind)
    found = {labels(pod).get("gateway.networking.k8s.io/gateway-name", "ingress") for pod in _pods(lookup, selects)}
    assert found == expected


def _pods(lookup: Lookup, selects: Any) -> list[Any]:
    chosen = [proxy for proxy in lookup.source.proxies() if selects(proxy)]
    return [lookup.get("Pod", one.namespace, one.name) for one in chosen]


HTTP_RULES = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: http, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  rules:
  - to: [{operation: {methods: [GET]}}]
  - when: [{key: "request.headers[x]", values: [a]}]
  - when: [{key: source.ip, values: [10.0.0.1]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-writes, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, action: DENY, rules: [{to: [{operation: {methods: [PUT], ports: ["80"]}}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: noted, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, action: AUDIT, rules: [{}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: tried, namespace: shop, annotations: {istio.io/dry-run: "true"}}
spec: {targetRefs: [{kind: Service, group: "", name: api}], action: DENY, rules: [{}]}
"""


def test_what_is_not_enforced_is_said() -> None:
    """ztunnel reads no HTTP and knows two actions, and a dry run denies nothing: the rules are listed with that."""
    lookup = mesh(HTTP_RULES)
    rows = table(lookup, chosen(lookup, "deploy/web")).rows
    assert [(row.policy, row.enforced) for row in rows] == [
        ("no-writes[0]", "at ztunnel, without methods: denies more than it says"),
        ("allow[0]", "at ztunnel"),
        ("http[0]", "not enforced: ztunnel reads no methods"),
        ("http[1]", "not enforced: ztunnel reads no request.headers[x]"),
        ("http[2]", "at ztunnel"),
        ("noted[0]", "not enforced: ztunnel knows no AUDIT"),
    ]
    told = {row.policy: row.enforced for row in table(lookup, chosen(lookup, "deploy/api")).rows}
    assert told["reads[0]"] == "at waypoint way.shop"
    assert told["tried[0]"] == "not enforced: dry run"
    assert {row.enforced for row in table(lookup, chosen(lookup, "deploy/way")).rows} == {"", "not enforced: dry run"}


def test_terms_come_in_one_order() -> None:
    """However a source orders the fields of a document, the words are the same."""
    terms = {"notIpBlocks": ["a"], "namespaces": ["b"], "ipBlocks": ["c"], "principals": ["d"]}
    names = [name for name, _ in ordered_terms(terms)]
    assert names == ["principals", "namespaces", "ipBlocks", "notIpBlocks"]
    assert names == [name for name, _ in ordered_terms(dict(reversed(terms.items())))]


CLOSED = """
apiVersion: v1
kind: Namespace
metadata: {name: infra, labels: {team: a}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shared, namespace: infra}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: ALLOWED}}]
---
apiVersion: v1
kind: Service
metadata:
  name: far
  namespace: shop
  labels: {istio.io/use-waypoint: shared, istio.io/use-waypoint-namespace: infra}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: far, namespace: shop}
spec: {targetRefs: [{kind: Service, group: "", name: far}], action: DENY, rules: [{}]}
"""


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ("{from: All}", ["allow", "far"]),
        ("{from: Same}", ["allow"]),
        ("{from: Selector, selector: {matchLabels: {istio.io/dataplane-mode: ambient}}}", ["allow", "far"]),
        ("{from: Selector, selector: {matchLabels: {team: a}}}", ["allow"]),
    ],
)
def test_waypoints_that_do_not_admit_a_namespace(allowed: str, expected: list[str]) -> None:
    """A waypoint of another namespace carries only what its listener admits."""
    assert policies(mesh(CLOSED.replace("ALLOWED", allowed)), "deploy/web") == expected
