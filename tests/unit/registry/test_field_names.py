"""Fields of Istio's resources are read by either of their names."""

from simulator.manifests.reading import parse_manifests
from simulator.registry.build import build_snapshot
from simulator.registry.field_names import with_json_names

OLD = """
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: api, namespace: shop}
spec:
  hosts: [api.example.com]
  http:
  - match: [{headers: {x_tenant_id: {exact: gold}}, ignore_uri_case: true}]
    route: [{destination: {host: api.example.com}}]
  tls:
  - match: [{port: 443, sni_hosts: [api.example.com]}]
    route: [{destination: {host: api.example.com}}]
"""


def test_names_of_the_proto_file_are_names_of_fields() -> None:
    """A field spelt as in the .proto file is the field; the keys of a free mapping stay as they are."""
    (resource,) = parse_manifests(OLD, source="mesh.yaml")
    virtual_service = with_json_names(resource)
    assert virtual_service.spec["tls"][0]["match"] == [{"port": 443, "sniHosts": ["api.example.com"]}]
    assert virtual_service.spec["http"][0]["match"] == [
        {"headers": {"x_tenant_id": {"exact": "gold"}}, "ignoreUriCase": True}
    ]


def test_the_json_name_wins_over_the_other() -> None:
    """Of a field under both names the JSON one counts."""
    text = OLD.replace("sni_hosts:", "sniHosts: [one.example.com], sni_hosts:")
    (resource,) = parse_manifests(text, source="mesh.yaml")
    assert with_json_names(resource).spec["tls"][0]["match"] == [{"port": 443, "sniHosts": ["one.example.com"]}]


def test_resources_spelt_as_in_json_are_left_alone() -> None:
    """Nothing is copied where nothing is to be changed."""
    text = OLD.replace("sni_hosts", "sniHosts").replace("ignore_uri_case", "ignoreUriCase")
    (resource,) = parse_manifests(text, source="mesh.yaml")
    assert with_json_names(resource) is resource


def test_a_mesh_reads_either_spelling() -> None:
    """Fields that are spelt as in the .proto file take effect."""
    text = """
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: {name: api, namespace: shop}
spec:
  hosts: [api.example.com]
  export_to: [shop]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 10.0.0.1}]
"""
    (service,) = build_snapshot(parse_manifests(text, source="mesh.yaml")).services
    assert service.export_to == frozenset({"shop"})
