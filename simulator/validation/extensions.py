"""Rules of WasmPlugin, TrafficExtension and ProxyConfig. istio: pkg/config/validation/validation.go."""

import re

from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation import urls
from simulator.validation.problems import Problems, at, error
from simulator.validation.selectors import policy_attachment, workload_selector

_SCHEMES = frozenset({"", "file", "http", "https", "oci"})
_LARGEST_SCRIPT = 65536


def validate_wasm(resource: Resource) -> Problems:
    """Check a WasmPlugin."""
    spec = resource.spec
    yield from at(("spec",), policy_attachment(spec))
    yield from at(("spec",), _plugin(spec, longest_name=255))
    yield from at(("spec",), _match(spec))


def validate_extension(resource: Resource) -> Problems:
    """Check a TrafficExtension."""
    spec = resource.spec
    wasm, lua = spec.get("wasm"), spec.get("lua")
    if (wasm is None) == (lua is None):
        yield error("exactly one of wasm or lua must be set", "spec")
    yield from at(("spec",), policy_attachment(spec))
    if lua is not None:
        code = (lua.get("inlineCode") or "").encode()
        if not code:
            yield error("lua.inlineCode cannot be empty", "spec", "lua")
        elif len(code) > _LARGEST_SCRIPT:
            yield error("lua.inlineCode exceeds maximum size of 64KB", "spec", "lua", "inlineCode")
    if wasm is not None:
        yield from at(("spec", "wasm"), _plugin(wasm, longest_name=256))
    yield from at(("spec",), _match(spec))


def validate_proxy_config(resource: Resource) -> Problems:
    """Check a ProxyConfig."""
    yield from at(("spec",), workload_selector({"selector": resource.spec.get("selector")}))
    if (resource.spec.get("concurrency") or 0) < 0:
        yield error("concurrency must be greater than or equal to 0", "spec", "concurrency")


def _plugin(plugin: Json, *, longest_name: int) -> Problems:
    yield from _url(plugin.get("url") or "")
    checksum = plugin.get("sha256") or ""
    if checksum and len(checksum) != 64:
        yield error("sha256 field must be 64 characters long", "sha256")
    elif checksum and not re.fullmatch("[a-f0-9]+", checksum):
        yield error("sha256 field must match [a-f0-9]{64} pattern", "sha256")
    if len(plugin.get("imagePullSecret") or "") > 253:
        yield error("imagePullSecret field must be less than 253 characters long", "imagePullSecret")
    if len(plugin.get("pluginName") or "") > 256:
        yield error(f"pluginName field must be less than {longest_name} characters long", "pluginName")
    yield from at(("vmConfig", "env"), _environment(plugin.get("vmConfig") or {}))


def _url(url: str) -> Problems:
    if not url:
        yield error("url field needs to be set")
        return
    found = urls.parse(url, absolute=True)
    if found.problem:
        with_scheme = f"http://{url}"
        if urls.parse(with_scheme, absolute=True).problem:
            yield error(f"failed to parse url: {found.problem}", "url")
        elif problem := urls.parse(with_scheme).problem:
            yield error(f"failed to strict parse url: {problem}", "url")
    elif found.scheme not in _SCHEMES:
        yield error(f"url contains unsupported scheme: {found.scheme}", "url")


def _environment(vm: Json) -> Problems:
    seen: set[str] = set()
    for variable in vm.get("env") or ():
        name = (variable or {}).get("name") or ""
        problem = ""
        if not name:
            problem = "spec.vmConfig.env invalid"
        elif len(name) > 256:
            problem = "env.name field must be less than 255 characters long"
        elif name in seen:
            problem = "duplicate env"
        elif variable.get("valueFrom") not in (None, "INLINE") and variable.get("value"):
            problem = "value may only be set when valueFrom is INLINE"
        if problem:
            yield error(problem)
            return
        seen.add(name)


def _match(spec: Json) -> Problems:
    for number, selector in enumerate(spec.get("match") or ()):
        for index, port in enumerate(selector.get("ports") or ()):
            value = port.get("number") or 0
            if not 0 < value <= 65535:
                text = f"spec.Match[{number}].Ports[{index}] is out of range: {value}"
                yield error(text, "match", number, "ports", index)
                return
