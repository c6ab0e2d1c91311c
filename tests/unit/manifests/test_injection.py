import json
from typing import Any

import pytest

from simulator.manifests import cluster_state, parse_manifests
from simulator.manifests.injection import Policy, decide, standard_webhooks
from simulator.manifests.injector import Injector
from simulator.manifests.webhook import inject
from simulator.model.wire import Json

WEBHOOKS = (*standard_webhooks(), *standard_webhooks("canary"))
INJECT = "sidecar.istio.io/inject"


def pod(*, labels: Any = None, annotations: Any = None, **spec: Any) -> Json:
    """Make a pod of one container."""
    metadata = {"name": "web", "labels": labels or {}, "annotations": annotations or {}}
    container = {"name": "app", "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]}
    return {"metadata": metadata, "spec": {"containers": [container], **spec}}


CASES = {
    "labelled namespace": ({"istio-injection": "enabled"}, pod(), "default"),
    "no labels": ({}, pod(), ""),
    "disabled namespace": ({"istio-injection": "disabled"}, pod(labels={INJECT: "true"}), ""),
    "revision of the namespace": ({"istio.io/rev": "canary"}, pod(), "canary"),
    "unknown revision": ({"istio.io/rev": "gone"}, pod(), ""),
    "both labels": ({"istio-injection": "enabled", "istio.io/rev": "canary"}, pod(), "default"),
    "pod asks": ({}, pod(labels={INJECT: "true"}), "default"),
    "pod asks by annotation": ({}, pod(annotations={INJECT: "true"}), ""),
    "pod names a revision": ({}, pod(labels={"istio.io/rev": "canary"}), "canary"),
    "pod declines": ({"istio-injection": "enabled"}, pod(labels={INJECT: "false"}), ""),
    "pod declines by annotation": ({"istio-injection": "enabled"}, pod(annotations={INJECT: "false"}), ""),
    "host network": ({"istio-injection": "enabled"}, pod(hostNetwork=True), ""),
    "injected": ({"istio-injection": "enabled"}, pod(annotations={"sidecar.istio.io/status": "{}"}), ""),
}


@pytest.mark.parametrize(("namespace_labels", "document", "revision"), CASES.values(), ids=CASES.keys())
def test_injection_is_decided_as_the_webhook_does(namespace_labels: Any, document: Json, revision: str) -> None:
    """Labels of namespace and pod, and the pod itself, decide whether and by which revision a pod is injected."""
    decision = decide(document, namespace="shop", namespace_labels=namespace_labels, webhooks=WEBHOOKS, policies={})
    assert (decision.injected, decision.revision if decision.injected else "") == (bool(revision), revision)
    assert decision.reason


def test_system_namespaces_are_never_injected() -> None:
    """kube-system is left alone even when it is labelled."""
    labels = {"istio-injection": "enabled"}
    decision = decide(pod(), namespace="kube-system", namespace_labels=labels, webhooks=WEBHOOKS, policies={})
    assert not decision.injected


def test_the_injectors_selectors_count() -> None:
    """neverInjectSelector excludes a pod that does not choose itself."""
    policies = {"default": Policy(never=[{"matchLabels": {"job": "x"}}])}
    labels = {"istio-injection": "enabled"}
    decision = decide(
        pod(labels={"job": "x"}), namespace="shop", namespace_labels=labels, webhooks=WEBHOOKS, policies=policies
    )
    assert (decision.injected, "neverInjectSelector" in decision.reason) == (False, True)


def injected(document: Json, *, native: bool = False, **options: Any) -> Json:
    """Inject a pod with the chart\'s defaults."""
    return inject(document, namespace="shop", injector=Injector(**options), native=native).pod


def environment(document: Json, *, field: str = "containers") -> dict[str, str]:
    """Return the literal environment of the proxy."""
    (proxy,) = (one for one in document["spec"][field] if one["name"] == "istio-proxy")
    return {entry["name"]: entry.get("value", "") for entry in proxy["env"]}


def test_the_proxy_comes_last_and_its_init_container_too() -> None:
    """The proxy is added after the application, and says what it is in its status."""
    result = injected(pod(initContainers=[{"name": "migrate"}]))
    assert [one["name"] for one in result["spec"]["containers"]] == ["app", "istio-proxy"]
    assert [one["name"] for one in result["spec"]["initContainers"]] == ["migrate", "istio-init"]
    assert result["metadata"]["labels"]["security.istio.io/tlsMode"] == "istio"
    status = json.loads(result["metadata"]["annotations"]["sidecar.istio.io/status"])
    assert (status["containers"], status["revision"]) == (["istio-proxy"], "default")


def test_native_sidecars_are_init_containers_that_go_on() -> None:
    """Where nodes allow it, the proxy is an init container that is always restarted, before all others."""
    result = injected(pod(initContainers=[{"name": "migrate"}]), native=True)
    names = [one["name"] for one in result["spec"]["initContainers"]]
    assert names == ["istio-init", "istio-proxy", "migrate"]
    assert result["spec"]["initContainers"][1]["restartPolicy"] == "Always"
    assert [one["name"] for one in result["spec"]["containers"]] == ["app"]


def test_proxy_config_is_merged_and_printed() -> None:
    """Mesh defaults and the annotation end up in PROXY_CONFIG, its metadata in the environment too."""
    result = injected(
        pod(annotations={"proxy.istio.io/config": "proxyMetadata: {A: b}\nconcurrency: 3"}),
        mesh={"defaultConfig": {"proxyMetadata": {"C": "d"}, "concurrency": 1}},
    )
    values = environment(result)
    assert json.loads(values["PROXY_CONFIG"]) == {"concurrency": 3, "proxyMetadata": {"A": "b", "C": "d"}}
    assert (values["A"], values["C"]) == ("b", "d")


def test_probes_are_led_to_the_agent() -> None:
    """HTTP, TCP and gRPC probes ask the agent, which knows the application's own."""
    document = pod()
    document["spec"]["containers"][0] |= {
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
        "livenessProbe": {"tcpSocket": {"port": 8080}},
        "startupProbe": {"exec": {"command": ["true"]}},
    }
    result = injected(document)
    app = result["spec"]["containers"][0]
    assert app["readinessProbe"]["httpGet"] == {"path": "/app-health/app/readyz", "port": 15020}
    assert app["livenessProbe"] == {"httpGet": {"path": "/app-health/app/livez", "port": 15020}}
    assert app["startupProbe"] == {"exec": {"command": ["true"]}}
    probers = json.loads(environment(result)["ISTIO_KUBE_APP_PROBERS"])
    assert probers["/app-health/app/readyz"] == {"httpGet": {"path": "/ready", "port": 8080}}


def test_metrics_are_merged() -> None:
    """Prometheus is pointed at the agent, and the agent at the application's metrics."""
    result = injected(pod(annotations={"prometheus.io/scrape": "true", "prometheus.io/port": "9090"}))
    assert result["metadata"]["annotations"]["prometheus.io/port"] == "15020"
    assert json.loads(environment(result)["ISTIO_PROMETHEUS_ANNOTATIONS"])["port"] == "9090"


def test_a_gateway_is_injected_into_the_users_container() -> None:
    """With the gateway template a container `istio-proxy` of image `auto` becomes a router, user settings kept."""
    document = pod(annotations={"inject.istio.io/templates": "gateway"}, labels={"app": "gw"})
    document["spec"]["containers"] = [{"name": "istio-proxy", "image": "auto", "resources": {"limits": {"cpu": "9"}}}]
    result = injected(document)
    (proxy,) = result["spec"]["containers"]
    assert proxy["args"][:2] == ["proxy", "router"]
    assert proxy["image"] == "registry.istio.io/release/proxyv2:1.30.3"
    assert proxy["resources"] == {"limits": {"cpu": "9"}}


def test_traffic_annotations_reach_the_redirection() -> None:
    """Excluded and included ports are arguments of the init container."""
    result = injected(pod(annotations={"traffic.sidecar.istio.io/excludeInboundPorts": "9000"}))
    (init,) = result["spec"]["initContainers"]
    assert init["args"][init["args"].index("-d") + 1] == "15090,15021,9000,15020"


def test_unknown_templates_are_said() -> None:
    """A template that is not simulated is a warning and no sidecar."""
    result = inject(
        pod(annotations={"inject.istio.io/templates": "grpc-agent"}),
        namespace="shop",
        injector=Injector(),
        native=False,
    )
    assert result.warnings == ("injection template grpc-agent is not simulated",)


def test_pods_of_a_labelled_namespace_have_a_proxy() -> None:
    """Pods made of manifests go through the webhook of their namespace's revision."""
    text = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Pod
metadata: {name: in, namespace: shop}
spec: {containers: [{name: app}]}
---
apiVersion: v1
kind: Pod
metadata: {name: out, namespace: other}
spec: {containers: [{name: app}]}
"""
    state = cluster_state(parse_manifests(text))
    pods = {one.name: one for one in state.resources if one.kind == "Pod"}
    assert "sidecar.istio.io/status" in pods["in"].annotations
    assert "sidecar.istio.io/status" not in pods["out"].annotations
    assert "label istio-injection=enabled" in state.injectors.decide(pod(), namespace="shop").reason


def test_rules_for_traffic_spare_the_user_of_the_proxy() -> None:
    """A proxy that is given another user is exempt from capture under that user, or its own traffic would loop."""
    document = pod()
    document["spec"]["containers"].append(
        {"name": "istio-proxy", "image": "auto", "securityContext": {"runAsUser": 99}}
    )
    result = injected(document, native=True)
    (rules,) = [each for each in result["spec"]["initContainers"] if each["name"] == "istio-init"]
    assert rules["args"][rules["args"].index("-u") + 1] == "99"
    assert rules["securityContext"]["runAsUser"] == 0
