"""The inputs of an injection template, with their defaults."""

from dataclasses import dataclass
from typing import Any

from simulator.manifests.injector import Injector
from simulator.manifests.owners import WorkloadMeta
from simulator.model.labels import Labels
from simulator.model.wire import Json

_OWN = "sidecar.istio.io/"
_INTERCEPTION = _OWN + "interceptionMode"
_RESOURCES = {
    "requests": {"cpu": "proxyCPU", "memory": "proxyMemory"},
    "limits": {"cpu": "proxyCPULimit", "memory": "proxyMemoryLimit"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything that a template may read."""

    injector: Injector
    namespace: str
    labels: Labels
    annotations: Labels
    spec: Json
    workload: WorkloadMeta
    proxy_config: Json
    native: bool

    def annotation(self, name: str, value: str = "") -> str:
        """Return an annotation, else the chart value at a path."""
        text = self.annotations.get(name)
        return text if text is not None else printed_value(self.injector.value(value) if value else "")

    @property
    def interception_mode(self) -> str:
        """REDIRECT, TPROXY or NONE."""
        mode = self.annotations.get(_INTERCEPTION) or self.proxy_config.get("interceptionMode")
        return str(mode or "REDIRECT")

    @property
    def containers(self) -> tuple[str, ...]:
        """Names of the application's containers."""
        names = (container.get("name", "") for container in self.spec.get("containers") or ())
        return tuple(name for name in names if name != "istio-proxy")

    @property
    def status_port(self) -> str:
        """Port of the agent, as the annotation or the chart gives it."""
        return self.annotation("status.sidecar.istio.io/port", "global.proxy.statusPort")

    @property
    def uses_cni(self) -> bool:
        """Whether Istio's CNI plugin redirects traffic, instead of an init container."""
        return bool(self.injector.value("pilot.cni.enabled", False))

    @property
    def pull_policy(self) -> Json:
        """When images are pulled, where the chart says so."""
        policy = self.injector.value("global.imagePullPolicy")
        return {"imagePullPolicy": policy} if policy else {}

    @property
    def resources(self) -> Json:
        """The proxy's requests and limits: from its annotations, or else from the chart, without null values."""
        found = {
            kind: {
                name: self.annotations[_OWN + suffix]
                for name, suffix in fields.items()
                if _OWN + suffix in self.annotations
            }
            for kind, fields in _RESOURCES.items()
        }
        given = {kind: values for kind, values in found.items() if values}
        return given or _without_nulls(self.injector.value("global.proxy.resources", {}))

    @property
    def metadata_environment(self) -> list[Json]:
        """`proxyMetadata`, as environment variables."""
        values = self.proxy_config.get("proxyMetadata") or {}
        return [{"name": name, "value": printed_value(value)} for name, value in sorted(values.items())]

    def image(self, chart_value: str) -> str:
        """Return a container's image: a full reference as given, or one made of the chart's hub, name, tag, variant."""
        image = self.annotation(_OWN + "proxyImage", chart_value)
        if "/" in image:
            return image
        injector = self.injector
        name, tag = injector.value("global.proxy.image", "proxyv2"), str(injector.value("global.tag"))
        variant = self.annotations.get(_OWN + "proxyImageType") or (self.proxy_config.get("image") or {}).get(
            "imageType", injector.value("global.variant")
        )
        if variant:
            tag = tag.removesuffix("-distroless").removesuffix("-debug")
            tag = tag if variant == "default" else f"{tag}-{variant}"
        return f"{injector.value('global.hub')}/{name}:{tag}"


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {name: _without_nulls(below) for name, below in value.items() if below is not None}
    return {name: below for name, below in kept.items() if below != {}}


def printed_value(value: object) -> str:
    """Spell a value as a Go template prints it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
