"""Generates meshes and test files of any size, as YAML text."""

from collections.abc import Iterator

_SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: svc-{i}, namespace: ns-{n}, labels: {{app: svc-{i}}}}}
spec:
  selector: {{app: svc-{i}}}
  ports:
  - {{name: http, port: 80, targetPort: 8080}}
  - {{name: grpc, port: 9090}}
  - {{name: tcp-db, port: {tcp}}}
"""
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: svc-{i}, namespace: ns-{n}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: svc-{i}}}}}
  template:
    metadata: {{labels: {{app: svc-{i}, version: v1}}}}
    spec:
      containers:
      - name: app
        image: example.test/svc:{i}
        ports: [{{containerPort: 8080}}, {{containerPort: 9090}}, {{containerPort: {tcp}}}]
"""
_VIRTUAL_SERVICE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: svc-{i}, namespace: ns-{n}}}
spec:
  hosts: [svc-{i}]
  http:
  - match: [{{uri: {{prefix: /v2}}}}]
    route: [{{destination: {{host: svc-{i}, subset: v2, port: {{number: 80}}}}}}]
  - route:
    - {{destination: {{host: svc-{i}, subset: v1, port: {{number: 80}}}}, weight: 90}}
    - {{destination: {{host: svc-{i}, subset: v2, port: {{number: 80}}}}, weight: {ten}}}
"""
_DESTINATION_RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: svc-{i}, namespace: ns-{n}}}
spec:
  host: svc-{i}
  subsets:
  - {{name: v1, labels: {{version: v1}}}}
  - {{name: v2, labels: {{version: v2}}}}
"""
_AUTHORIZATION_POLICY = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: svc-{i}, namespace: ns-{n}}}
spec:
  selector: {{matchLabels: {{app: svc-{i}}}}}
  action: ALLOW
  rules:
  - from: [{{source: {{namespaces: [ns-{n}]}}}}]
    to: [{{operation: {{methods: [GET], paths: [/api/*]}}}}]
"""


def mesh(
    *, services: int, namespaces: int, replicas: int = 1, policies: bool = False, weight: int = 10
) -> Iterator[str]:
    """Yield the documents of a mesh: per service a Service, Deployment, VirtualService and DestinationRule.

    `policies` adds an AuthorizationPolicy to each; `weight` is the share of subset v2 of the first service.
    """
    for n in range(namespaces):
        yield (f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: ns-{n}, labels: {{istio-injection: enabled}}}}\n")
    parts = [_SERVICE, _DEPLOYMENT, _VIRTUAL_SERVICE, _DESTINATION_RULE] + [_AUTHORIZATION_POLICY] * policies
    for i in range(services):
        ten = weight if i == 0 else 10
        values = {"i": i, "n": i % namespaces, "replicas": replicas, "tcp": 5432, "ten": ten}
        for part in parts:
            yield part.format(**values)


def write_mesh(path: str, **size: int | bool) -> None:
    """Write a mesh to one file of many documents."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("---\n".join(mesh(**size)))  # type: ignore[arg-type] # the keywords of `mesh`


_TESTS = """\
apiVersion: kubectl-mesh/v1alpha1
kind: MeshTest
metadata: {name: large}
spec:
  defaults: {from: shop/deploy/web}
  cases:
"""
_CASE = """\
  - name: request {i} of testers
    request: {{url: "http://catalog.shop/items/{i}", headers: {{x-shop-tester: "true", x-request: "{i}"}}}}
    expect: {{disposition: delivered, destination: {{service: shop/catalog, subset: v2}}, upstreamTls: mtls}}
  - name: request {i} of others
    request: {{url: "http://catalog.shop/items/{i}"}}
    expect: {{split: [{{subset: v1, weight: 90}}, {{subset: v2, weight: 10}}], timeout: 2s}}
  - name: payment {i}
    request: {{url: "http://checkout.payments/v1/payments/{i}", method: POST}}
    expect: {{disposition: delivered, authz: {{verdict: allow, by: payments/checkout}}}}
  - name: entry {i}
    from: outside
    request: {{url: "http://shop.example.com/api/catalog/items/{i}"}}
    expect: {{destination: {{service: shop/catalog, subset: v1}}, path: /items/{i}}}
"""


def write_tests(path: str, *, cases: int) -> None:
    """Write a test file of `cases` cases about the example mesh: by header, weight, policy and gateway."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(_TESTS + "".join(_CASE.format(i=i) for i in range(cases // _CASE.count("- name"))))
