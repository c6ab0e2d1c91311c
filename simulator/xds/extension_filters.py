"""WasmPlugin and TrafficExtension → filters in the phases of a filter stack.

istiod: pilot/pkg/model/extensions.go, push_context.go (TrafficExtensionsByListenerInfo), and
pilot/pkg/networking/core/extension. The modules themselves come by ECDS: `simulator.xds.extensions`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.xds.envoy_messages import typed
from simulator.xds.extensions import extension_name
from simulator.xds.listener_settings import ListenerClass
from simulator.xds.telemetry import workload_mode

PHASES = ("AUTHN", "AUTHZ", "STATS", "")
_LOWEST = -(2**31)
_MAX_CODE = 65536


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Extension:
    """An extension of either kind, in the form of a TrafficExtension."""

    name: str
    spec: Json
    code: str = ""
    """Lua code, which stands in the listener itself; empty for Wasm."""
    network: bool = False
    """It stands among network filters."""

    @property
    def phase(self) -> str:
        """The phase it asks for; empty for none."""
        phase = self.spec.get("phase") or ""
        return phase if phase in PHASES else ""

    @property
    def priority(self) -> int:
        """Extensions of higher priority stand first; without one they stand last."""
        priority = self.spec.get("priority")
        return _LOWEST if priority is None else int(priority)

    def selects(self, port: int, cls: ListenerClass) -> bool:
        """Tell whether one of its traffic selectors takes a listener of `port`; none at all take every listener."""
        selectors = self.spec.get("match") or ()
        return not selectors or any(_selects(selector, port, cls) for selector in selectors)


def extensions_of(resources: Sequence[Resource], *, namespace: str) -> tuple[Extension, ...]:
    """Return the extensions that select a proxy: highest priority first, then those of its own namespace."""
    own_first = sorted(resources, key=lambda resource: resource.namespace != namespace)
    found = [item for resource in own_first if (item := _extension(resource)) is not None]
    return tuple(sorted(found, key=lambda item: -item.priority))


def http_filters(extensions: Sequence[Extension], phase: str, *, port: int, cls: ListenerClass) -> list[Json]:
    """Return the HTTP filters of one phase in a listener of `port`."""
    chosen = [item for item in extensions if not item.network and item.phase == phase]
    return [_lua(item) if item.code else _wasm(item, "http") for item in chosen if item.selects(port, cls)]


def network_filters(extensions: Sequence[Extension], phase: str, *, port: int, cls: ListenerClass) -> list[Json]:
    """Return the network filters of one phase in a listener of `port`."""
    chosen = [item for item in extensions if item.network and item.phase == phase]
    return [_wasm(item, "network") for item in chosen if item.selects(port, cls)]


def _selects(selector: Json, port: int, cls: ListenerClass) -> bool:
    mode = selector.get("mode") or "UNDEFINED"
    ports = [item.get("number") for item in selector.get("ports") or ()]
    return mode in ("UNDEFINED", "CLIENT_AND_SERVER", workload_mode(cls)) and (not ports or port in ports)


def _extension(resource: Resource) -> Extension | None:
    """Read a WasmPlugin or TrafficExtension; None when istiod would discard it."""
    spec = resource.spec
    wasm = spec if resource.kind == "WasmPlugin" else spec.get("wasm")
    name = extension_name(resource)
    if wasm is not None:
        return Extension(name=name, spec=spec, network=wasm.get("type") == "NETWORK") if wasm.get("url") else None
    code = (spec.get("lua") or {}).get("inlineCode") or ""
    return Extension(name=name, spec=spec, code=code) if 0 < len(code.encode()) <= _MAX_CODE else None


def _wasm(item: Extension, layer: str) -> Json:
    source = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    urls = [f"type.googleapis.com/envoy.extensions.filters.{layer}.{kind}" for kind in ("wasm.v3.Wasm", "rbac.v3.RBAC")]
    return {"name": item.name, "config_discovery": {"config_source": source, "type_urls": urls}}


def _lua(item: Extension) -> Json:
    code = {"inline_string": item.code}
    return typed(item.name, "envoy.extensions.filters.http.lua.v3.Lua", default_source_code=code)
