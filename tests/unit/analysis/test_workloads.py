from tests.unit.analysis import codes, deployment, found, namespace, pod, resource, service

INJECTION = "injection.Analyzer"
ANNOTATIONS = "annotations.K8sAnalyzer"
SERVICES = "deployment.MultiServiceAnalyzer"
USERS = "applicationUID.Analyzer"
PORTS = "service.PortNameAnalyzer"
SUBSETS = "destinationrule.SubsetSelectPodAnalyzer"
WEBHOOKS = "webhook.Analyzer"
BARE = pod("web").replace("istio-proxy", "helper")


def test_pods_of_injected_namespaces_have_a_proxy() -> None:
    """A pod that missed injection is reported; one on the host's network is not meant (a former false positive)."""
    assert codes(INJECTION, namespace("shop"), BARE) == ["IST0103 web"]
    assert codes(INJECTION, namespace("shop"), pod("web")) == []
    assert codes(INJECTION, namespace("shop"), BARE.replace("spec: {", "spec: {hostNetwork: true, ")) == []


def test_templates_are_not_expected_to_have_a_proxy() -> None:
    """Files hold what the injector has not seen yet (a former false positive)."""
    assert codes(INJECTION, namespace("shop"), deployment("web")) == []


def test_kubernetes_own_namespaces_are_passed_over() -> None:
    """Nobody injects kube-system (a former false positive)."""
    assert codes(INJECTION, namespace("kube-system", "a: b"), namespace("shop", "a: b")) == ["IST0102 shop"]


def test_unknown_annotations_are_reported() -> None:
    """A misspelt annotation of Istio's is reported, others' annotations are not."""
    more = ", annotations: {{sidecar.istio.io/injekt: a, other.org/x: b}}".replace("{{", "{").replace("}}", "}")
    assert found(ANNOTATIONS, service("web", more=more)) == ["IST0108 web: Unknown annotation: sidecar.istio.io/injekt"]


def test_known_annotations_are_not_reported() -> None:
    """Annotations that Istio knows are not unknown, at most outdated (a former false positive)."""
    assert codes(ANNOTATIONS, pod("web", annotations="sidecar.istio.io/statsCompression: 'true'")) == ["IST0135 web"]
    assert codes(ANNOTATIONS, pod("web", annotations="sidecar.istio.io/proxyCPU: 100m")) == []


def test_values_of_annotations_are_read() -> None:
    """A value that the injector would refuse is reported with the injector's words."""
    (given,) = found(ANNOTATIONS, pod("web", annotations="traffic.sidecar.istio.io/excludeInboundPorts: '80,x'"))
    assert given.startswith("IST0125 web: Invalid annotation traffic.sidecar.istio.io/excludeInboundPorts")
    assert 'parsing "x": invalid syntax' in given


def test_services_agree_on_a_target_port() -> None:
    """Two services that lead to one port of a workload by different ports are reported."""
    one = service("web", ports="{name: http, port: 80, targetPort: 8080}")
    other = service("web", ports="{name: http, port: 81, targetPort: 8080}").replace("name: web", "name: also", 1)
    assert codes(SERVICES, namespace("shop"), deployment("web"), one, other) == ["IST0137 web"]


def test_services_of_other_namespaces_do_not_count() -> None:
    """A service selects pods of its own namespace only (a former false positive)."""
    one = service("web", ports="{name: http, port: 80, targetPort: 8080}")
    other = service("web", ports="{name: http, port: 81, targetPort: 8080}", namespace="ops")
    assert codes(SERVICES, namespace("shop"), deployment("web"), one, other) == []


def test_the_proxy_keeps_its_user_to_itself() -> None:
    """A workload that runs as 1337 bypasses the proxy."""
    assert codes(USERS, deployment("web", spec=", securityContext: {runAsUser: 1337}")) == ["IST0144 web"]


def test_port_names_carry_a_protocol() -> None:
    """A name without protocol is noted; appProtocol and well-known ports make up for it."""
    assert codes(PORTS, service("web", ports="{name: web, port: 80}")) == ["IST0118 web"]
    assert codes(PORTS, service("web", ports="{name: web, port: 80, appProtocol: http}")) == []
    assert codes(PORTS, service("web", ports="{name: db, port: 3306}")) == []


def test_subsets_select_pods() -> None:
    """A subset whose labels no pod has is an error."""
    rule = resource("DestinationRule", "web", "{host: web, subsets: [{name: v2, labels: {version: v2}}]}")
    assert codes(SUBSETS, rule, service("web"), pod("web", labels=", version: v1")) == ["IST0173 web"]
    assert codes(SUBSETS, rule, service("web"), deployment("web", labels=", version: v2")) == []


def test_subsets_may_select_by_topology() -> None:
    """Labels that istiod takes from the node count (a former false positive)."""
    spec = "{host: web, subsets: [{name: a, labels: {topology.kubernetes.io/region: eu}}]}"
    node = "{apiVersion: v1, kind: Node, metadata: {name: node-1, labels: {topology.kubernetes.io/region: eu}}}"
    placed = pod("web", spec=", nodeName: node-1")
    assert codes(SUBSETS, resource("DestinationRule", "web", spec), service("web"), placed, node) == []


def test_wildcard_hosts_stand_for_services() -> None:
    """A DestinationRule for all services of a namespace has a known host (istioctl reports it as unknown)."""
    rule = resource("DestinationRule", "all", "{host: '*.shop.svc.cluster.local'}")
    assert codes(SUBSETS, rule, service("web")) == []
    assert codes(SUBSETS, rule, service("web", namespace="ops")) == ["IST0174 all"]


def test_subsets_of_entries_select_their_endpoints() -> None:
    """A ServiceEntry's endpoints have labels of their own."""
    entry = "{hosts: [a.b], ports: [{number: 80, name: http}], endpoints: [{address: 1.2.3.4, labels: {version: v1}}]}"
    rule = resource("DestinationRule", "a", "{host: a.b, subsets: [{name: v1, labels: {version: v1}}]}")
    assert codes(SUBSETS, rule, resource("ServiceEntry", "a", entry)) == []


def test_webhooks_need_their_service() -> None:
    """An injector whose service is gone is an error."""
    webhook = """
    apiVersion: admissionregistration.k8s.io/v1
    kind: MutatingWebhookConfiguration
    metadata: {name: istio-sidecar-injector, labels: {istio.io/rev: default}}
    webhooks:
    - name: sidecar-injector.istio.io
      clientConfig: {service: {name: istiod, namespace: istio-system}}
      objectSelector: {matchLabels: {sidecar.istio.io/inject: 'true'}}
    """
    assert codes(WEBHOOKS, webhook) == ["IST0139 istio-sidecar-injector"]
    assert codes(WEBHOOKS, webhook, service("istiod", namespace="istio-system")) == []
