"""MeshConfig, MeshNetworks and istiod's environment, with istiod's defaults applied.

istiod: pkg/config/mesh/mesh.go (DefaultMeshConfig, ApplyMeshConfig). A field that is given replaces the default as a
whole, except `defaultConfig` and `defaultProviders` (field by field), `extensionProviders` (by name) and
`trustDomainAliases` (united).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from simulator.manifests.mesh_documents import read_mesh_document
from simulator.manifests.proxy_config import DEFAULTS as PROXY_CONFIG_DEFAULTS
from simulator.model.caveats import Caveat, CaveatKind
from simulator.model.names import DOMAIN
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.resource_index import ResourceIndex

_SNAKE = re.compile(r"[a-z]+(_[a-z0-9]+)+")
_FREE_MAPS = frozenset({"proxyMetadata", "runtimeValues", "labels", "customTags", "networks"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSettings:
    """What the control plane was installed with."""

    mesh: Json
    networks: Json
    """Network name → `{"endpoints": […], "gateways": […]}` of MeshNetworks."""
    flags: Mapping[str, str]
    domain: str
    revision: str
    system_namespace: str
    caveats: tuple[Caveat, ...] = ()

    @property
    def cluster_id(self) -> str:
        """Istio's name of the cluster that istiod runs in."""
        return self.flags.get("CLUSTER_ID") or "Kubernetes"


def default_mesh_config() -> Json:
    """Return istiod's default MeshConfig."""
    return {
        "enableTracing": True,
        "accessLogFile": "",
        "accessLogEncoding": "TEXT",
        "accessLogFormat": "",
        "enableEnvoyAccessLogService": False,
        "protocolDetectionTimeout": "0s",
        "ingressService": "istio-ingressgateway",
        "ingressControllerMode": "STRICT",
        "ingressClass": "istio",
        "trustDomain": DOMAIN,
        "trustDomainAliases": [],
        "enableAutoMtls": True,
        "outboundTrafficPolicy": {"mode": "ALLOW_ANY"},
        "inboundTrafficPolicy": {"mode": "PASSTHROUGH"},
        "localityLbSetting": {"enabled": True},
        "defaultConfig": dict(PROXY_CONFIG_DEFAULTS),
        "rootNamespace": "istio-system",
        "proxyListenPort": 15001,
        "proxyInboundListenPort": 15006,
        "connectTimeout": "10s",
        "defaultServiceExportTo": ["*"],
        "defaultVirtualServiceExportTo": ["*"],
        "defaultDestinationRuleExportTo": ["*"],
        "dnsRefreshRate": "60s",
        "serviceSettings": [],
        "enablePrometheusMerge": True,
        "defaultProviders": {},
        "extensionProviders": [
            {"name": "prometheus", "prometheus": {}},
            {"name": "stackdriver", "stackdriver": {}},
            {"name": "envoy", "envoyFileAccessLog": {"path": "/dev/stdout"}},
        ],
    }


def merge_proxy_config(base: Json, overlay: Json) -> Json:
    """Lay one ProxyConfig over another; metadata is united, a choice of cluster name displaces the other one."""
    merged = {**base, **overlay}
    if "tracingServiceName" in overlay and "serviceCluster" not in overlay:
        merged.pop("serviceCluster", None)
    if base.get("proxyMetadata") or overlay.get("proxyMetadata"):
        merged["proxyMetadata"] = {**(base.get("proxyMetadata") or {}), **(overlay.get("proxyMetadata") or {})}
    before, after = base.get("proxyHeaders"), overlay.get("proxyHeaders")
    if before and after:
        kept = ("forwardedClientCert", "requestId", "attemptCount", "server", "envoyDebugHeaders")
        merged["proxyHeaders"] = {key: before[key] for key in kept if before.get(key)} | after
    return merged


def apply_mesh_config(base: Json, overlay: Json) -> Json:
    """Lay a MeshConfig over the defaults."""
    merged = {**base, **{key: value for key, value in overlay.items() if value is not None}}
    merged["defaultConfig"] = merge_proxy_config(base["defaultConfig"], overlay.get("defaultConfig") or {})
    merged["defaultProviders"] = {**base["defaultProviders"], **(overlay.get("defaultProviders") or {})}
    providers = {provider["name"]: provider for provider in base["extensionProviders"]}
    providers |= {provider.get("name") or "": provider for provider in overlay.get("extensionProviders") or ()}
    merged["extensionProviders"] = list(providers.values())
    aliases = {*base["trustDomainAliases"], *(overlay.get("trustDomainAliases") or ())}
    merged["trustDomainAliases"] = sorted(aliases)
    return merged


def camel_case(value: Any) -> Any:
    """Spell the keys of a proto-JSON document in camelCase; keys of free maps stay as they are."""
    if isinstance(value, list):
        return [camel_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    spelt: Json = {}
    for key, item in value.items():
        name = re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), key) if _SNAKE.fullmatch(str(key)) else key
        spelt[name] = item if name in _FREE_MAPS and name != "networks" else camel_case(item)
    return spelt


def load_settings(index: ResourceIndex) -> MeshSettings:
    """Read the installation: istiod's Deployment, and the ConfigMap that it watches."""
    deployment = _istiod(index)
    namespace = deployment.namespace if deployment else "istio-system"
    container = _container(deployment)
    flags = {
        entry["name"]: str(entry["value"]) for entry in container.get("env") or () if entry.get("value") is not None
    }
    revision = flags.get("REVISION") or (deployment.labels.get("istio.io/rev") if deployment else "") or "default"
    config_map = _config_map(index, namespace=namespace, revision=revision)
    caveats: list[Caveat] = []
    mesh = _mesh_config(config_map, caveats)
    networks = _document(config_map, "meshNetworks", caveats=caveats).get("networks") or {}
    return MeshSettings(
        mesh=mesh,
        networks=networks,
        flags=flags,
        domain=_domain(container),
        revision=revision,
        system_namespace=namespace,
        caveats=tuple(caveats),
    )


def _istiod(index: ResourceIndex) -> Resource | None:
    candidates = [
        deployment
        for deployment in index.of_kind("Deployment")
        if deployment.labels.get("app") == "istiod" or deployment.name == "istiod"
    ]
    return min(candidates, key=lambda found: (found.name != "istiod", found.namespace, found.name), default=None)


def _container(deployment: Resource | None) -> Json:
    containers = deployment.get("spec", "template", "spec", "containers", default=[]) if deployment else []
    found: Json = next((one for one in containers if one.get("name") == "discovery"), {})
    return found


def _config_map(index: ResourceIndex, *, namespace: str, revision: str) -> Resource | None:
    names = ["istio"] if revision == "default" else [f"istio-{revision}", "istio"]
    found = (index.get("ConfigMap", namespace, name) for name in names)
    return next((config_map for config_map in found if config_map is not None), None)


def _mesh_config(config_map: Resource | None, caveats: list[Caveat]) -> Json:
    """Return the MeshConfig in effect: that of the ConfigMap, or istiod's own where istiod refuses it."""
    overlay = _document(config_map, "mesh", caveats=caveats)
    mesh = apply_mesh_config(default_mesh_config(), overlay)
    if config_map is None or not overlay:
        return mesh
    from simulator.validation.mesh_config import validate

    whole = replace(config_map, document={"spec": mesh})
    problem = next((each for each in validate(whole) if not each.is_warning), None)
    if problem is None:
        return mesh
    caveats.append(_refusal(config_map, "mesh", problem.text))
    return apply_mesh_config(default_mesh_config(), {})


def _document(config_map: Resource | None, key: Literal["mesh", "meshNetworks"], *, caveats: list[Caveat]) -> Json:
    if config_map is None:
        return {}
    text = config_map.get("data", key, default="")
    document, problem = read_mesh_document(text, kind="mesh" if key == "mesh" else "networks")
    if problem:
        caveats.append(_refusal(config_map, key, problem))
    return document


def _refusal(config_map: Resource, key: str, problem: str) -> Caveat:
    message = f"istiod refuses it and takes its defaults: {problem}"
    return Caveat(kind=CaveatKind.INVALID, ref=config_map.ref, path=("data", key), message=message)


def _domain(container: Json) -> str:
    arguments = [str(argument) for argument in container.get("args") or ()]
    for position, argument in enumerate(arguments):
        if argument.startswith("--domain="):
            return argument.partition("=")[2]
        if argument == "--domain" and position + 1 < len(arguments):
            return arguments[position + 1]
    return DOMAIN
