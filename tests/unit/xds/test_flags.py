"""istiod's environment variables change what it sends."""

from typing import Any

import pytest

from simulator.mesh import Mesh
from tests.unit.xds.mesh import addresses, clusters, generator, pod, service
from tests.unit.xds.mesh import endpoints as held
from tests.unit.xds.shop import CLIENT, mesh


def flagged(name: str) -> Mesh:
    """Return a mesh whose istiod has a flag turned off."""
    return mesh(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, labels: {app: web}}
        spec: {containers: [{name: app, image: example.test/web}]}
        """,
        f"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: istiod, namespace: istio-system, labels: {{app: istiod}}}}
        spec:
          selector: {{matchLabels: {{app: istiod}}}}
          template:
            metadata: {{labels: {{app: istiod}}}}
            spec: {{containers: [{{name: discovery, image: pilot, env: [{{name: {name}, value: "false"}}]}}]}}
        """,
    )


def endpoints(made: Mesh) -> list[Any]:
    """Return every endpoint that some proxy of the mesh holds."""
    found = made.generated(CLIENT).endpoints
    return [one for each in found for group in each.get("endpoints", ()) for one in group["lb_endpoints"]]


@pytest.mark.parametrize("name", ["PILOT_ENABLE_TELEMETRY_LABEL", "PILOT_ENDPOINT_TELEMETRY_LABEL"])
def test_endpoints_without_labels_keep_an_empty_message(name: str) -> None:
    """An endpoint's metadata is there even when there is nothing in it."""
    found = endpoints(flagged(name))
    assert found
    assert all("istio" not in one["metadata"].get("filter_metadata", {}) for one in found)


def test_no_metadata_is_exchanged_when_the_flag_is_off() -> None:
    """Without the exchange no listener asks for its ALPN name."""
    text = str(flagged("PILOT_ENABLE_METADATA_EXCHANGE").generated(CLIENT).listeners)
    assert "'alpn_protocols': ['h2', 'http/1.1']" in text
    assert "'alpn_protocols': ['istio-peer-exchange'" not in text


ENTRIES = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: aaa, labels: {app: partner}, creationTimestamp: "2026-01-02T00:00:00Z"}
spec:
  hosts: [out.test]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 192.0.2.1, labels: {version: v7}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: older, namespace: bbb, creationTimestamp: "2026-01-01T00:00:00Z"}
spec: {hosts: [out.test], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: out, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: out.test}}]}]}
"""
SIDECAR = """
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: own, namespace: shop}
spec: {egress: [{hosts: ["./*"]}]}
"""
OUT = "outbound|80||out.test"
RULES = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: shop}
spec: {host: web, exportTo: [shop], subsets: [{name: one, labels: {version: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: b, namespace: shop}
spec: {host: web, exportTo: [shop, other], subsets: [{name: two, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: c, namespace: shop}
spec: {host: web, exportTo: ["."], subsets: [{name: three, labels: {version: v3}}]}
"""


def test_external_workloads_are_named_after_their_entry() -> None:
    """By flag, the endpoints of a ServiceEntry outside of the mesh have its canonical name and revision."""
    env = {"LABEL_CANONICAL_SERVICES_FOR_MESH_EXTERNAL_SERVICE_ENTRIES": "true"}

    def workload(env: dict[str, str]) -> str:
        made = generator(pod("client", "10.0.0.9"), config=ENTRIES.partition("---")[0], env=env)
        member = held(made)[OUT][0]["lb_endpoints"][0]
        return str(member["metadata"]["filter_metadata"]["istio"]["workload"]).partition(";")[2]

    assert workload(env) == "aaa;partner;;Kubernetes"
    assert workload({}) == "aaa;out-0;v7;Kubernetes"


def test_the_first_namespace_is_taken_as_older_versions_did() -> None:
    """Of services with the host that a VirtualService sends to, the oldest is taken, or by flag the first by name."""

    def kind(env: dict[str, str]) -> str:
        return str(
            clusters(generator(pod("client", "10.0.0.9"), service(), config=ENTRIES + SIDECAR, env=env))[OUT]["type"]
        )

    assert kind({}) == "STRICT_DNS"
    assert kind({"PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE": "false"}) == "EDS"


def test_rules_for_different_namespaces_merge_as_older_versions_did() -> None:
    """Rules for one host that are exported differently stand apart and the last one holds; by flag they merge."""

    def subsets(env: dict[str, str]) -> set[str]:
        made = generator(pod("client", "10.0.0.9"), service(), config=RULES, env=env)
        return {name.split("|")[2] for name in clusters(made) if name.endswith("web.shop.svc.cluster.local")} - {""}

    assert subsets({}) == {"three"}
    assert subsets({"ENABLE_ENHANCED_DESTINATIONRULE_MERGE": "false"}) == {"one", "two", "three"}


def test_service_entries_need_not_select_pods() -> None:
    """By flag, the selector of a ServiceEntry selects WorkloadEntries only."""
    entry = """
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata: {name: out, namespace: shop}
    spec:
      hosts: [out.test]
      ports: [{number: 80, name: http, protocol: HTTP}]
      resolution: STATIC
      location: MESH_INTERNAL
      workloadSelector: {labels: {app: web}}
    """
    found = [
        held(generator(pod("client", "10.0.0.9", app="client"), pod("web-1", "10.0.0.1"), config=entry, env=env))[OUT]
        for env in ({}, {"PILOT_ENABLE_SERVICEENTRY_SELECT_PODS": "false"})
    ]
    assert [addresses(groups) for groups in found] == [[["10.0.0.1"]], []]


def test_both_families_are_looked_up_where_ipv6_clusters_reach_ipv4() -> None:
    """A proxy with IPv6 only resolves hosts to IPv4, too, when it listens for it."""
    flag = "ISTIO_ENABLE_IPV4_OUTBOUND_LISTENER_FOR_IPV6_CLUSTERS"
    entry = ENTRIES.split("---")[1]
    families = [
        clusters(generator(pod("client", "2001:db8::9"), config=entry, env=env))[OUT]["dns_lookup_family"]
        for env in ({}, {flag: "true"})
    ]
    assert families == ["V6_ONLY", "ALL"]
