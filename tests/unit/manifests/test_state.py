from typing import Any

import pytest

from simulator.manifests import ClusterState, cluster_state, parse_manifests
from simulator.model.caveats import CaveatKind
from simulator.model.resources import Resource

NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: web, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
"""


def complete(text: str, **options: Any) -> ClusterState:
    """Complete manifests given as text."""
    return cluster_state(parse_manifests(text), **options)


def of(state: ClusterState, kind: str, namespace: str = "shop") -> list[Resource]:
    """Return the resources of a kind in a namespace."""
    return [one for one in state.resources if one.kind == kind and one.namespace == namespace]


def test_a_deployment_becomes_a_replica_set_and_pods() -> None:
    """Pods are owned by the ReplicaSet, carry its hash, run, are ready, and have addresses of their own."""
    state = complete(NAMESPACE + WEB)
    (replica_set,) = of(state, "ReplicaSet")
    pods = of(state, "Pod")
    assert len(pods) == 2
    assert len({pod.status["podIP"] for pod in pods}) == 2
    for pod in pods:
        assert pod.metadata["ownerReferences"][0]["name"] == replica_set.name
        assert pod.name.startswith(f"{replica_set.name}-")
        assert replica_set.name == f"web-{pod.labels['pod-template-hash']}"
        assert pod.spec["serviceAccountName"] == "default"
        assert pod.status["phase"] == "Running"
        assert pod.origin.line == 5


def test_names_do_not_depend_on_the_template() -> None:
    """Another image renames no pod, so that a diff shows the image and nothing else."""
    before, after = complete(NAMESPACE + WEB), complete(NAMESPACE + WEB.replace("image: web", "image: web:2"))
    assert [pod.name for pod in of(before, "Pod")] == [pod.name for pod in of(after, "Pod")]


def test_slices_follow_pods_and_named_ports() -> None:
    """An EndpointSlice has the pods that a Service selects, at the number that the named port has there."""
    state = complete(NAMESPACE + WEB)
    (found,) = of(state, "EndpointSlice")
    assert found.document["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    assert {endpoint["addresses"][0] for endpoint in found.document["endpoints"]} == {
        pod.status["podIP"] for pod in of(state, "Pod")
    }
    assert all(endpoint["conditions"]["ready"] for endpoint in found.document["endpoints"])


def test_not_ready_pods_serve_only_who_asks_for_them() -> None:
    """A live pod that is not ready is an endpoint that is not ready, unless the Service publishes such addresses."""
    pod = """\
---
apiVersion: v1
kind: Pod
metadata: {name: sick, namespace: shop, labels: {app: web}}
spec: {containers: [{name: app}]}
status: {phase: Running, podIP: 10.1.1.1, conditions: [{type: Ready, status: "False"}]}
"""
    services = WEB.partition("---\n")[2]
    eager = services.replace("name: web", "name: eager").replace("spec: {", "spec: {publishNotReadyAddresses: true, ")
    state = complete(services + "---\n" + eager + pod)
    ready = {
        one.labels["kubernetes.io/service-name"]: one.document["endpoints"][0]["conditions"]["ready"]
        for one in of(state, "EndpointSlice")
    }
    assert ready == {"eager": True, "web": False}


def test_stateful_sets_have_numbered_pods_with_host_names() -> None:
    """A StatefulSet's pods are numbered, and its headless Service gives each a host name."""
    state = complete(
        """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: app}]}}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
"""
    )
    assert [pod.name for pod in of(state, "Pod")] == ["db-0", "db-1"]
    (found,) = of(state, "EndpointSlice")
    assert [endpoint["hostname"] for endpoint in found.document["endpoints"]] == ["db-0", "db-1"]
    assert of(state, "Service")[0].spec["clusterIPs"] == ["None"]


def test_every_kind_of_workload_becomes_pods() -> None:
    """DaemonSets run on every node, Jobs and CronJobs once, and a bare pod comes to life."""
    template = "template: {metadata: {labels: {app: x}}, spec: {containers: [{name: app}]}}"
    state = complete(
        f"""\
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: agent, namespace: shop}}
spec: {{selector: {{matchLabels: {{app: x}}}}, {template}}}
---
apiVersion: batch/v1
kind: Job
metadata: {{name: once, namespace: shop}}
spec: {{{template}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly, namespace: shop}}
spec: {{schedule: "@daily", jobTemplate: {{spec: {{{template}}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: alone, namespace: shop}}
spec: {{containers: [{{name: app}}]}}
"""
    )
    names = [pod.name.split("-")[0] for pod in of(state, "Pod")]
    assert sorted(names) == ["agent", "agent", "agent", "alone", "nightly", "once"]
    nodes = {pod.spec["nodeName"] for pod in of(state, "Pod") if pod.name.startswith("agent")}
    assert nodes == {node.name for node in state.resources if node.kind == "Node"}


def test_services_of_every_type_get_addresses() -> None:
    """Cluster addresses, node ports and ingress addresses are given out; an ExternalName gets none."""
    text = "---\n".join(
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {kind.lower()}, namespace: shop}}\n"
        f"spec: {{type: {kind}, externalName: a.example, ports: [{{port: 80}}]}}\n"
        for kind in ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
    )
    services = {one.name: one for one in of(complete(text), "Service")}
    assert len({services[name].spec["clusterIP"] for name in ("clusterip", "nodeport", "loadbalancer")}) == 3
    assert "nodePort" not in services["clusterip"].spec["ports"][0]
    assert 30000 <= services["nodeport"].spec["ports"][0]["nodePort"] < 32768
    assert services["loadbalancer"].status["loadBalancer"]["ingress"][0]["ip"]
    assert "clusterIP" not in services["externalname"].spec


def test_dual_stack_services_get_both_addresses() -> None:
    """A Service that requires both families gets one address of each, and so do pods of that cluster."""
    state = complete(WEB.replace("spec: {selector", "spec: {ipFamilyPolicy: RequireDualStack, selector"))
    (service,) = of(state, "Service")
    assert [":" in address for address in service.spec["clusterIPs"]] == [False, True]
    assert all(len(pod.status["podIPs"]) == 2 for pod in of(state, "Pod"))
    assert {one.document["addressType"] for one in of(state, "EndpointSlice")} == {"IPv4", "IPv6"}


def test_a_control_plane_is_added_only_when_there_is_none() -> None:
    """Manifests without istiod get the default profile; those that bring a part of one, or do not want it, get none."""
    added = {one.name for one in of(complete(WEB), "Deployment", "istio-system")}
    assert added == {"istiod", "istio-ingressgateway"}
    assert not of(complete(WEB, control_plane=False), "Deployment", "istio-system")
    own = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-canary, namespace: istio-system}\n"
    own += "data: {mesh: '{}'}\n"
    assert not of(complete(WEB + own), "Deployment", "istio-system")


def test_explicit_slices_are_taken_as_they_are() -> None:
    """A Service with slices or Endpoints of its own gets none made up."""
    own = "---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: web, namespace: shop}\nsubsets: []\n"
    assert of(complete(WEB), "EndpointSlice")
    assert not of(complete(WEB + own), "EndpointSlice")


def test_pods_of_a_workload_stand_for_it() -> None:
    """A Deployment whose pods are among the manifests makes none."""
    pod = """\
---
apiVersion: v1
kind: Pod
metadata: {name: web-1-a, namespace: shop, labels: {app: web, pod-template-hash: "1"}}
spec: {containers: [{name: app}]}
status: {phase: Running, podIP: 10.1.1.1}
"""
    assert [one.name for one in of(complete(WEB + pod), "Pod")] == ["web-1-a"]


def test_an_autoscaler_sets_the_least_number_of_pods() -> None:
    """A HorizontalPodAutoscaler keeps its minimum running."""
    scaler = """\
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {minReplicas: 4, maxReplicas: 9, scaleTargetRef: {kind: Deployment, name: web}}
"""
    assert len(of(complete(WEB + scaler), "Pod")) == 4


def test_a_flood_of_pods_is_held_back() -> None:
    """A slip in `replicas` is cut off, and said."""
    state = complete(WEB.replace("replicas: 2", "replicas: 2000000000"))
    assert len(of(state, "Pod")) == 1000
    cut = [each for each in state.caveats if each.kind is CaveatKind.UNSUPPORTED]
    assert [str(caveat.ref) for caveat in cut] == ["Deployment/shop/web"]


def test_missing_namespaces_are_made_up() -> None:
    """A namespace that objects live in exists, with the label that Kubernetes gives it."""
    namespaces = {one.name: one.labels for one in complete(WEB).resources if one.kind == "Namespace"}
    assert namespaces["shop"] == {"kubernetes.io/metadata.name": "shop"}


def test_service_entries_get_addresses_where_istiod_gives_them() -> None:
    """A ServiceEntry without addresses gets one per host and family, unless it resolves nothing or opts out."""
    text = "---\n".join(
        f"""\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: {name}, namespace: shop, labels: {labels}}}
spec: {{hosts: [{name}.example, "*.wild.example"], resolution: {resolution}, ports: [{{number: 80, name: http}}]}}
"""
        for name, resolution, labels in (
            ("plain", "DNS", "{}"),
            ("none", "NONE", "{}"),
            ("out", "DNS", "{networking.istio.io/enable-autoallocate-ip: 'false'}"),
        )
    )
    entries = {one.name: one.status.get("addresses") for one in of(complete(text), "ServiceEntry")}
    assert [address["host"] for address in entries["plain"]] == ["plain.example", "plain.example"]
    assert entries["none"] is None
    assert entries["out"] is None


def test_kinds_of_other_groups_are_kept_and_left_alone() -> None:
    """Knative's Service is no Kubernetes Service."""
    text = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: kn, namespace: shop}\nspec: {x: 1}\n"
    (found,) = of(complete(text), "Service")
    assert found.spec == {"x": 1}


def test_managed_gateways_are_deployed() -> None:
    """A Gateway of class istio gets a Deployment and a LoadBalancer Service with its listeners' ports."""
    text = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front, namespace: shop}
spec: {gatewayClassName: istio, listeners: [{name: web, port: 8080, protocol: HTTP}]}
"""
    state = complete(text)
    (service,), (pod,) = of(state, "Service"), of(state, "Pod")
    assert [(port["name"], port["port"]) for port in service.spec["ports"]] == [("status-port", 15021), ("web", 8080)]
    assert pod.spec["containers"][0]["args"][:2] == ["proxy", "router"]
    assert pod.labels["gateway.networking.k8s.io/gateway-name"] == "front"


def test_endpoints_written_by_hand_are_mirrored() -> None:
    """Endpoints without a slice of their own get one, since istiod reads nothing else."""
    text = """\
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {ports: [{name: tcp, port: 5432}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: db, namespace: shop}
subsets:
- addresses: [{ip: 192.0.2.7}]
  notReadyAddresses: [{ip: 192.0.2.8}]
  ports: [{name: tcp, port: 15432}]
"""
    (found,) = of(complete(text), "EndpointSlice")
    assert found.labels["kubernetes.io/service-name"] == "db"
    assert found.document["ports"] == [{"name": "tcp", "port": 15432, "protocol": "TCP"}]
    ready = [(one["addresses"], one["conditions"]["ready"]) for one in found.document["endpoints"]]
    assert ready == [(["192.0.2.7"], True), (["192.0.2.8"], False)]


def test_a_revisions_settings_count_without_a_default_one() -> None:
    """With nothing but a revisioned control plane, its istiod's flags and mesh config are those of the mesh."""
    text = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/rev: canary}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio-canary, namespace: istio-system}
data: {mesh: "defaultConfig: {concurrency: 7}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod-canary, namespace: istio-system}
spec:
  selector: {matchLabels: {app: istiod}}
  template:
    metadata: {labels: {app: istiod}}
    spec:
      containers:
      - name: discovery
        image: hub.example/pilot:1.30.1
        env: [{name: REVISION, value: canary}, {name: ENABLE_NATIVE_SIDECARS, value: "false"}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: app}]}
"""
    (pod,) = of(complete(text), "Pod")
    proxy = pod.spec["containers"][1]
    values = {entry["name"]: entry.get("value") for entry in proxy["env"]}
    assert proxy["image"] == "hub.example/proxyv2:1.30.1"
    assert values["PROXY_CONFIG"] == '{"concurrency":7}\n'
    assert values["CA_ADDR"] == "istiod-canary.istio-system.svc:15012"
    assert pod.annotations["istio.io/rev"] == "canary"


def test_a_misspelt_kind_is_named() -> None:
    """An unknown kind of a known group is reported with its place and a suggestion; other groups are not checked."""
    text = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualServce\nmetadata: {name: web}\n---\n"
        "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web}\n"
    )
    (caveat,) = (str(one) for one in cluster_state(parse_manifests(text, source="mesh.yaml")).caveats)
    assert "has no effect: networking.istio.io has no kind VirtualServce; did you mean VirtualService?" in caveat


@pytest.mark.parametrize(
    ("version", "kind", "message"),
    [
        ("networking.istio.io/v1", "EnvoyFilter", "simulated, though no API server accepts it: EnvoyFilter is served"),
        ("batch/v1beta1", "CronJob", "simulated, though no API server accepts it: CronJob is served as batch/v1, not"),
        (
            "extensions/v1beta1",
            "Deployment",
            "has no effect: extensions/v1beta1 is gone since Kubernetes 1.22; Deploym",
        ),
        ("v1", "Servise", "has no effect: v1 has no kind Servise; did you mean Service?"),
        ("gateway.networking.k8s.io/v1alpha2", "HTTPRoute", ""),
        ("policy/v1beta1", "PodSecurityPolicy", ""),
        ("storage.k8s.io/v1", "VolumeAttributesClass", ""),
        ("networking.k8s.io/v1beta1", "IPAddress", ""),
    ],
)
def test_kinds_and_versions_that_no_server_has_are_told(version: str, kind: str, message: str) -> None:
    """Each caveat says how the resource is treated here; kinds that a server may well have are not reported."""
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\n"
    found = [one.message for one in cluster_state(parse_manifests(text)).caveats if one.ref.kind == kind]
    assert [one[: len(message)] for one in found] == ([message] if message else [])
