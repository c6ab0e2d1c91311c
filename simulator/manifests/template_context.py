"""What an injection template may look at, and what it falls back to."""

from dataclasses import dataclass

from simulator.manifests.injector import Injector
from simulator.manifests.owners import WorkloadMeta
from simulator.model.labels import Labels
from simulator.model.wire import Json

_INTERCEPTION = "sidecar.istio.io/interceptionMode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything that a template may look at."""

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


def printed_value(value: object) -> str:
    """Spell a value as a Go template prints it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
