"""Proxies written into manifests."""

import json
from typing import Any

import pytest

from simulator.manifests.kube_inject import Settings, Written, injected, injector_of
from simulator.manifests.reading import parse_manifests
from simulator.model.errors import ConfigurationError

TEMPLATE = "{metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: web}]}}"
DEPLOYMENT = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop}}
spec: {{selector: {{matchLabels: {{app: web}}}}, template: {TEMPLATE}}}
"""


def written(text: str, **settings: Any) -> list[Written]:
    """Inject a text with the default profile."""
    injector, native = injector_of((), settings=Settings(**settings))
    return list(injected([("x.yaml", text)], injector, native=native))


def proxy(pod: Any) -> Any:
    """Return the proxy's container of a pod."""
    spec = pod["spec"]
    found = [*spec["containers"], *spec.get("initContainers", ())]
    return next(container for container in found if container["name"] == "istio-proxy")


def test_a_template_gets_the_proxy_that_its_pods_would_get() -> None:
    """The proxy gets the workload and the namespace that own the template."""
    (one,) = written(DEPLOYMENT)
    assert one.value is not None
    environment = {each["name"]: each.get("value") for each in proxy(one.value["spec"]["template"])["env"]}
    assert environment["ISTIO_META_WORKLOAD_NAME"] == "web"
    assert environment["ISTIO_META_OWNER"] == "kubernetes://apis/apps/v1/namespaces/shop/deployments/web"


@pytest.mark.parametrize(
    "text",
    [
        f"apiVersion: batch/v1\nkind: CronJob\nspec: {{jobTemplate: {{spec: {{template: {TEMPLATE}}}}}}}",
        f"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec: {{template: {TEMPLATE}}}",
        f"kind: List\nitems:\n- apiVersion: apps/v1\n  kind: DaemonSet\n  spec: {{template: {TEMPLATE}}}",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: app, image: web}]}",
    ],
)
def test_every_kind_with_pods(text: str) -> None:
    """Whatever makes pods is injected, items of lists too."""
    (one,) = written(text)
    assert one.value is not None
    assert "istio-proxy" in str(one.value)


def test_kinds_that_only_share_a_name_stay_as_they_are() -> None:
    """A Deployment of another project's API group is not read, whatever its content."""
    text = "apiVersion: example.com/v1\nkind: Deployment\nspec: {template: {spec: {containers: [[1]]}}}\n"
    (one,) = written(text)
    assert (one.value, one.text) == (None, text)


def test_what_has_no_pods_stays_as_it_was_written() -> None:
    """Comments and layout of other documents are kept."""
    text = "# kept\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    first, second = written(f"{text}---\n{DEPLOYMENT}")
    assert (first.value, first.text) == (None, text)
    assert second.value is not None


def test_items_of_lists_move_to_the_margin() -> None:
    """Items of a list become valid YAML documents, whatever their indentation was."""
    items = "- kind: Service\n  metadata:\n    name: a\n- kind: ConfigMap\n  metadata: {name: b}\n"
    first, second = written(f"apiVersion: v1\nkind: List\nitems:\n{items}")
    assert first.text == "kind: Service\nmetadata:\n  name: a\n"
    assert second.text == "kind: ConfigMap\nmetadata: {name: b}\n"


def test_a_proxy_is_made_anew() -> None:
    """Injecting what is injected gives the same with the same settings, and the new ones with others."""
    probed = "{name: app, image: web, livenessProbe: {httpGet: {port: 80}}}"
    (first,) = written(DEPLOYMENT.replace("{name: app, image: web}", probed))
    (again,) = written(json.dumps(first.value))
    assert again.value == first.value
    (other,) = written(json.dumps(first.value), values="global: {proxy: {logLevel: debug}}")
    assert other.value is not None
    found = proxy(other.value["spec"]["template"])
    assert "--proxyLogLevel=debug" in found["args"]
    assert [each["name"] for each in found["env"]].count("ISTIO_KUBE_APP_PROBERS") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("labels: {app: web}", 'labels: {sidecar.istio.io/inject: "false"}'), "sidecar injection disabled"),
        (("spec: {containers", "spec: {hostNetwork: true, containers"), "host networking enabled"),
        (("namespace: shop", "namespace: kube-system"), "sidecar injection disabled"),
    ],
)
def test_what_is_skipped_is_said(change: tuple[str, str], words: str) -> None:
    """A template that wants no proxy, or cannot have one, is left alone with a sentence."""
    (one,) = written(DEPLOYMENT.replace(*change))
    assert one.value is None
    assert one.warnings[0].startswith('===> Skipping injection because Deployment "')
    assert words in one.warnings[0]


def test_settings_from_files() -> None:
    """Values given by a file replace those of the profile."""
    (one,) = written(DEPLOYMENT, values='{"global": {"hub": "hub.example", "tag": "1.0"}}')
    assert one.value is not None
    assert proxy(one.value["spec"]["template"])["image"] == "hub.example/proxyv2:1.0"


def test_own_control_plane() -> None:
    """The injector among the manifests is the one that is used."""
    text = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: ""}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio-sidecar-injector, namespace: istio-system}
data: {values: '{"global": {"proxy": {"image": "special"}}}'}
"""
    injector, _ = injector_of(parse_manifests(text))
    assert injector.value("global.proxy.image") == "special"


def test_annotations_that_the_webhook_refuses() -> None:
    """A pod that no injector would accept is not written, and the document and the annotation are named."""
    text = DEPLOYMENT.replace("{labels: {app: web}}", '{annotations: {sidecar.istio.io/proxyCPU: "lots"}}')
    with pytest.raises(ConfigurationError, match=r"x.yaml:1: Deployment web: invalid value 'lots' for annotation"):
        written(text)
