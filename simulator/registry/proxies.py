"""Pods with an istio-proxy container → proxies, with the node metadata that their agent would send.

istiod: pkg/bootstrap/config.go (GetNodeMetaData), pilot/cmd/pilot-agent/config (ConstructProxyConfig),
pilot/pkg/xds/ads.go (setTopologyLabels).
"""

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.manifests.proxy_config import DEFAULTS
from simulator.model.proxies import Proxy, ProxyId, Role
from simulator.model.resources import Resource
from simulator.model.services import Locality
from simulator.model.wire import Json
from simulator.registry.mesh_config import MeshSettings, camel_case, merge_proxy_config
from simulator.registry.resource_index import ResourceIndex
from simulator.registry.workloads import Workloads, augmented_labels, labelled_locality, running

_META, _META_JSON = "ISTIO_META_", "ISTIO_METAJSON_"
_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_ROLES = {role.value: role for role in Role}
_VERSION = "1.30.3"


def find_proxies(index: ResourceIndex, *, workloads: Workloads, settings: MeshSettings) -> tuple[Proxy, ...]:
    """Return every proxy of the mesh, ztunnels included, sorted by namespace and name.

    `index` holds all pods: the proxy of a pod that istiod does not watch is known only by what it reports itself.
    """
    found = []
    for pod in running(index.of_kind("Pod")):
        container = proxy_container(pod)
        if container is not None and (role := role_of(container)) and _addresses(pod):
            found.append(_proxy(pod, container, role=role, workloads=workloads, settings=settings))
    return tuple(sorted(found, key=lambda proxy: (proxy.id.namespace, proxy.id.name)))


def proxy_container(pod: Resource) -> Json | None:
    """Return the container that runs the proxy: an ordinary one, or a native sidecar among the init containers."""
    containers = [*(pod.spec.get("containers") or ()), *(pod.spec.get("initContainers") or ())]
    return next((one for one in containers if one.get("name") == "istio-proxy"), None)


def role_of(container: Json) -> Role | None:
    """Read what the proxy is from its arguments, `proxy sidecar|router|waypoint|ztunnel`."""
    arguments = [str(argument) for argument in container.get("args") or ()]
    if "proxy" not in arguments:
        return None
    following = arguments[arguments.index("proxy") + 1 :]
    return _ROLES.get(following[0], Role.SIDECAR) if following else Role.SIDECAR


def environment(pod: Resource, container: Json) -> dict[str, str]:
    """Evaluate a container's environment: literal values, `$(NAME)` references, fields and resources of the pod."""
    values: dict[str, str] = {}
    for entry in container.get("env") or ():
        source = entry.get("valueFrom") or {}
        if source.get("fieldRef"):
            value = _field(pod, source["fieldRef"].get("fieldPath") or "")
        elif source.get("resourceFieldRef"):
            value = _limit(container, source["resourceFieldRef"])
        else:
            text = str(entry.get("value") if entry.get("value") is not None else "")
            value = _REFERENCE.sub(lambda found: values.get(found[1], found[0]), text)
        if value is not None:
            values[entry["name"]] = value
    return values


def _proxy(pod: Resource, container: Json, *, role: Role, workloads: Workloads, settings: MeshSettings) -> Proxy:
    variables = environment(pod, container)
    metadata = _metadata(pod, variables)
    known = workloads.pod(pod.namespace, pod.name) is not None
    registered = workloads.labels(pod) if known else metadata["LABELS"]
    static = metadata.get("STATIC_LABELS") or {}
    locality = workloads.locality(pod) if known else labelled_locality(pod.labels)
    labels = augmented_labels(
        {**static, **registered},
        locality=locality or Locality(),
        node=metadata.get("NODE_NAME") or "",
        network=metadata.get("NETWORK") or "",
        cluster_id=metadata.get("CLUSTER_ID") or "",
    )
    return Proxy(
        id=ProxyId(pod.name, pod.namespace),
        role=role,
        addresses=_addresses(pod),
        labels=labels,
        metadata=metadata,
        locality=locality or Locality(),
        network=metadata.get("NETWORK") or "",
        cluster_id=metadata.get("CLUSTER_ID") or settings.cluster_id,
        node_name=metadata.get("NODE_NAME") or "",
        service_account=metadata.get("SERVICE_ACCOUNT") or "default",
        workload_name=metadata.get("WORKLOAD_NAME") or "",
        revision=pod.annotations.get("istio.io/rev") or pod.labels.get("istio.io/rev") or settings.revision,
        istio_version=metadata["ISTIO_VERSION"],
        domain=settings.domain,
        annotations=pod.annotations,
    )


def _metadata(pod: Resource, variables: Mapping[str, str]) -> Json:
    config = _proxy_config(pod, variables)
    metadata: Json = {
        key.removeprefix(_META): value
        for key, value in (config.get("proxyMetadata") or {}).items()
        if key.startswith(_META)
    }
    metadata |= {key.removeprefix(_META): value for key, value in variables.items() if key.startswith(_META)}
    for key, value in variables.items():
        if key.startswith(_META_JSON):
            metadata |= _json(value)
    static = _json(variables.get(_META_JSON + "LABELS", ""))
    labels = {**static, **{key: value for key, value in pod.labels.items() if key != "pod-template-hash"}}
    metadata |= {
        "NAME": variables.get("POD_NAME") or pod.name,
        "NAMESPACE": variables.get("POD_NAMESPACE") or pod.namespace,
        "SERVICE_ACCOUNT": variables.get("SERVICE_ACCOUNT") or pod.spec.get("serviceAccountName") or "default",
        "INSTANCE_IPS": ",".join(_addresses(pod)),
        "LABELS": labels,
        "ANNOTATIONS": dict(pod.annotations),
        "PROXY_CONFIG": config,
        "ENVOY_STATUS_PORT": int(variables.get("ENVOY_STATUS_PORT") or 15021),
        "ENVOY_PROMETHEUS_PORT": int(variables.get("ENVOY_PROMETHEUS_PORT") or 15090),
    }
    metadata.setdefault("ISTIO_VERSION", _VERSION)
    if static:
        metadata["STATIC_LABELS"] = static
    return metadata


def _proxy_config(pod: Resource, variables: Mapping[str, str]) -> Json:
    """Lay over the default what the injector wrote, then the pod's own annotation, as the agent does."""
    config = dict(DEFAULTS)
    for text in (variables.get("PROXY_CONFIG"), pod.annotations.get("proxy.istio.io/config")):
        if text and text.strip():
            config = merge_proxy_config(config, _yaml(text))
    if address := pod.annotations.get("sidecar.istio.io/discoveryAddress"):
        config["discoveryAddress"] = address
    if (port := pod.annotations.get("status.sidecar.istio.io/port", "")).isdigit():
        config["statusPort"] = int(port)
    return config


def _addresses(pod: Resource) -> tuple[str, ...]:
    several = tuple(entry["ip"] for entry in pod.status.get("podIPs") or () if entry.get("ip"))
    first = pod.status.get("podIP")
    return several or ((first,) if first else ())


def _field(pod: Resource, path: str) -> str | None:
    found = re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path)
    if found:
        return (pod.labels if found[1] == "labels" else pod.annotations).get(found[2])
    value: Any = pod.get(*path.split("."))
    if value is None and path == "spec.serviceAccountName":
        return "default"
    return None if value is None else str(value)


def _limit(container: Json, reference: Json) -> str | None:
    path = (reference.get("resource") or "").split(".")
    value: Any = container.get("resources") or {}
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return None
    if path[-1] != "cpu":
        return str(value)
    text = str(value)
    try:
        cores = Decimal(text.removesuffix("m")) / (1000 if text.endswith("m") else 1)
    except InvalidOperation:
        return None
    return str(math.ceil(cores))


def _json(text: str) -> Json:
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _yaml(text: str) -> Json:
    import yaml

    try:
        value = camel_case(yaml.load(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return {}
    return value if isinstance(value, dict) else {}
