"""The effect of chart values and annotations on an injected pod."""

import json
from typing import Any

import pytest

from simulator.manifests.kube_inject import Settings, injected, injector_of
from simulator.manifests.traffic_capture import with_network


def pod(values: Any = None, mesh: Any = None, spec: Any = None, **annotations: str) -> Any:
    """Inject a pod with values of the chart."""
    containers = [{"name": "app", "image": "registry:5000/web:1.2@sha256:abc"}]
    metadata = {"name": "web", "namespace": "shop", "annotations": annotations}
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": containers} | (spec or {}),
    }
    settings = Settings(values=json.dumps(values or {}), mesh=json.dumps(mesh or {}))
    injector, native = injector_of((), settings=settings)
    (one,) = injected([("x.yaml", json.dumps(manifest))], injector, native=native)
    return one.value


def container(of: Any, name: str) -> Any:
    """Return a container of a pod."""
    everyone = (*of["spec"]["containers"], *of["spec"].get("initContainers", ()))
    return next(one for one in everyone if one["name"] == name)


def environment(of: Any) -> dict[str, str | None]:
    """Return the variables of the proxy, in order."""
    return {entry["name"]: entry.get("value") for entry in container(of, "istio-proxy")["env"]}


def test_images() -> None:
    """When images are pulled, and with which secrets, is the chart's."""
    found = pod({"global": {"imagePullPolicy": "Never", "imagePullSecrets": ["key"]}})
    assert {container(found, name)["imagePullPolicy"] for name in ("istio-init", "istio-proxy")} == {"Never"}
    assert found["spec"]["imagePullSecrets"] == [{"name": "key"}]
    assert '"imagePullSecrets":["key"]' in found["metadata"]["annotations"]["sidecar.istio.io/status"]


def test_resources_without_nulls() -> None:
    """A limit that the chart sets to null is left out."""
    found = pod({"global": {"proxy": {"resources": {"limits": {"cpu": None}, "requests": {"cpu": "1000m"}}}}})
    assert container(found, "istio-proxy")["resources"] == {
        "limits": {"memory": "1Gi"},
        "requests": {"cpu": "1", "memory": "128Mi"},
    }


def test_place_in_the_mesh_is_told_last() -> None:
    """Cluster and network follow what the template says, so that a webhook far away can set them."""
    found = pod({"global": {"network": "west", "multiCluster": {"clusterName": "one"}}})
    told = list(environment(found).items())
    assert told[-2:] == [("ISTIO_META_CLUSTER_ID", "one"), ("ISTIO_META_NETWORK", "west")]


def test_resource_attributes() -> None:
    """OpenTelemetry's names of a service come from its namespace, image and container where a provider wants them."""
    provider = {"opentelemetry": {"serviceAttributeEnrichment": "OTEL_SEMANTIC_CONVENTIONS"}}
    found = pod(mesh={"extensionProviders": [{"name": "otel", **provider}]})
    assert environment(found)["OTEL_RESOURCE_ATTRIBUTES"] == (
        "service.namespace=shop,service.version=1.2@sha256:abc,service.instance.id=shop.$(POD_NAME).app"
    )
    assert "OTEL_RESOURCE_ATTRIBUTES" not in environment(pod())


def test_ports_for_the_cni_plugin() -> None:
    """The CNI plugin gets the outbound ports that the init container would get."""
    name = "traffic.sidecar.istio.io/excludeOutboundPorts"
    found = pod(
        {"pilot": {"cni": {"enabled": True, "provider": "multus"}}, "global": {"proxy": {"excludeOutboundPorts": "9"}}}
    )
    assert found["metadata"]["annotations"][name] == "9"
    assert found["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"] == "default/istio-cni"
    assert "--run-validation" in container(found, "istio-validation")["args"]


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        ("", "default/istio-cni"),
        ("a", "a, default/istio-cni"),
        ("a, default/istio-cni", "a, default/istio-cni"),
        ('[{"name": "a"}]', '[{"name": "a"}, {"name": "istio-cni", "namespace": "default"}]'),
        ('[{"name": "istio-cni", "namespace": "default"}]', '[{"name": "istio-cni", "namespace": "default"}]'),
        ("[a]", "[a]"),
    ],
)
def test_networks_of_multus(networks: str, expected: str) -> None:
    """Istio's network joins the others in the form they have, once."""
    assert with_network(networks, namespace="default", name="istio-cni") == expected


def test_user_of_the_proxy_under_tproxy() -> None:
    """A proxy that was given a user stays root where it must, and capture spares the user it was given."""
    own = {"name": "istio-proxy", "image": "auto", "securityContext": {"runAsUser": 1234}}
    app = {"name": "app", "image": "web"}
    found = pod(spec={"containers": [app, own]}, **{"sidecar.istio.io/interceptionMode": "TPROXY"})
    assert container(found, "istio-proxy")["securityContext"]["runAsUser"] == 0
    args = container(found, "istio-init")["args"]
    assert args[args.index("-u") + 1] == "1234"


def test_certificates_mounted() -> None:
    """Certificates in a secret are mounted where the chart says so."""
    found = pod({"global": {"mountMtlsCerts": True}}, spec={"serviceAccountName": "web"})
    assert {"mountPath": "/etc/certs/", "name": "istio-certs", "readOnly": True} in container(found, "istio-proxy")[
        "volumeMounts"
    ]
    assert {"name": "istio-certs", "secret": {"optional": True, "secretName": "istio.web"}} in found["spec"]["volumes"]


def test_probes_stay_where_no_agent_answers() -> None:
    """A template that brings no agent leaves the probes of the application to the application."""
    probe = {"httpGet": {"port": 80}}
    app = {"name": "app", "image": "web", "readinessProbe": probe}
    found = pod(spec={"containers": [app]}, **{"inject.istio.io/templates": "of-our-own"})
    assert container(found, "app")["readinessProbe"] == probe
