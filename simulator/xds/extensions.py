"""ECDS: WebAssembly extensions that listeners refer to by name, and those an EnvoyFilter adds.

istiod: pilot/pkg/networking/core/extension/extensionfilter.go, pilot/pkg/model/extensions.go, and for WasmPlugin
pilot/pkg/config/kube/extensions/translate.go. Lua extensions stand in the listeners themselves.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from simulator.model.resources import Resource
from simulator.model.wire import Json, Listener
from simulator.registry.snapshot import Snapshot
from simulator.xds.view import ProxyView

_TYPE = "type.googleapis.com/envoy.extensions.filters"
_PREFIX = "extensions.istio.io/trafficextension/"
_TRANSLATED = "~istio-translated-wasmplugin"
_FETCH_TIMEOUT = "30s"
_SECRET, _POLICY, _VERSION = (
    "ISTIO_META_WASM_IMAGE_PULL_SECRET",
    "ISTIO_META_WASM_IMAGE_PULL_POLICY",
    "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION",
)
_FAILURE = {"FAIL_OPEN": "FAIL_OPEN", "FAIL_RELOAD": "FAIL_RELOAD"}


def build_extensions(view: ProxyView, listeners: Sequence[Listener] | None = None) -> tuple[Json, ...]:
    """Build the extension configurations of a proxy, sorted by name.

    Only those that `listeners` name; all that select the proxy when the listeners are not given.
    """
    resources = [resource for resource in view.snapshot.extensions(view.proxy) if _wasm(resource)]
    built = {extension_name(resource): view.shared(wasm_extension, resource) for resource in resources}
    if built and listeners is not None:
        asked = extension_names(listeners)
        built = {name: built[name] for name in built if name in asked}
    return tuple(built[name] for name in sorted(built))


def extension_name(resource: Resource) -> str:
    """Return the name under which listeners refer to the extension of a WasmPlugin or TrafficExtension."""
    return _PREFIX + _qualified_name(resource)


def extension_names(listeners: Sequence[Listener]) -> frozenset[str]:
    """Return the names of extensions that listeners ask for by ECDS."""
    return frozenset(name for listener in listeners for name in _names_of(listener))


def wasm_extension(snapshot: Snapshot, resource: Resource) -> Json:
    """Build one extension configuration."""
    wasm = _wasm(resource)
    layer = "network" if wasm.get("type") == "NETWORK" else "http"
    config: Json = {
        "name": _qualified_name(resource),
        "configuration": _plugin_configuration(wasm.get("pluginConfig")),
        "vm_config": _vm_config(resource, wasm),
        "failure_policy": _FAILURE.get(wasm.get("failStrategy") or "", "FAIL_CLOSED"),
    }
    if wasm.get("pluginName"):
        config["root_id"] = wasm["pluginName"]
    typed_config = {"@type": f"{_TYPE}.{layer}.wasm.v3.Wasm", "config": config}
    return {"name": extension_name(resource), "typed_config": typed_config}


def _wasm(resource: Resource) -> Json:
    """Return the WebAssembly part of an extension; empty for Lua."""
    wasm: Json = resource.spec if resource.kind == "WasmPlugin" else resource.spec.get("wasm") or {}
    return wasm if wasm.get("url") else {}


def _qualified_name(resource: Resource) -> str:
    marker = _TRANSLATED if resource.kind == "WasmPlugin" else ""
    return f"{resource.namespace}.{resource.name}{marker}"


def _plugin_configuration(value: Json | None) -> Json:
    if not value:
        return {}
    return {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": go_json(value)}


def go_json(value: Any) -> str:
    """Print JSON as Go does: compact, sorted, whole numbers without a point, `<`, `>` and `&` escaped."""
    text = json.dumps(_whole(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value


def _vm_config(resource: Resource, wasm: Json) -> Json:
    values: dict[str, str] = {}
    if wasm.get("imagePullSecret"):
        values[_SECRET] = ""  # the credential itself, which is not simulated
    if wasm.get("imagePullPolicy") not in (None, "UNSPECIFIED_POLICY"):
        values[_POLICY] = wasm["imagePullPolicy"]
    values[_VERSION] = resource.metadata.get("resourceVersion") or "1"
    environment = (wasm.get("vmConfig") or {}).get("env") or ()
    values |= {item["name"]: item.get("value") or "" for item in environment if item.get("valueFrom") != "HOST"}
    variables: Json = {"key_values": values}
    host_keys = [item["name"] for item in environment if item.get("valueFrom") == "HOST"]
    if host_keys:
        variables["host_env_keys"] = host_keys
    return {"runtime": "envoy.wasm.runtime.v8", "code": _code(wasm), "environment_variables": variables}


def _code(wasm: Json) -> Json:
    url: str = wasm["url"]
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return {"local": {"filename": url.removeprefix("file://")}}
    uri = url if scheme else f"oci://{url.removeprefix('//')}"
    remote: Json = {"http_uri": {"uri": uri, "timeout": _FETCH_TIMEOUT, "cluster": "_"}}
    if wasm.get("sha256"):
        remote["sha256"] = wasm["sha256"]
    return {"remote": remote}


def _names_of(listener: Listener) -> Iterator[str]:
    chains = list(listener.get("filter_chains", ()))
    if "default_filter_chain" in listener:
        chains.append(listener["default_filter_chain"])
    for chain in chains:
        for network_filter in chain.get("filters", ()):
            yield from _discovered(network_filter)
            for http_filter in network_filter.get("typed_config", {}).get("http_filters", ()):
                yield from _discovered(http_filter)


def _discovered(extension: Json) -> Iterator[str]:
    if "config_discovery" in extension:
        yield extension["name"]
