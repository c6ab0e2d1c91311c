"""Which traffic a pod's port accepts: plain text, mutual TLS, or both.

istiod: pilot/pkg/model/authentication.go, pilot/pkg/security/authn/policy_applier.go (ComposePeerAuthentication): the
policy that selects the workload, else the namespace's, else the mesh's; the oldest of each kind; PERMISSIVE by default.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kubectl_mesh.analysis.pods import PodView
from kubectl_mesh.analysis.world import World
from simulator.model.labels import selects
from simulator.model.resources import Resource
from simulator.model.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A mode and the policy that sets it; None for the default."""

    name: str
    policy: Resource | None = None


_DEFAULT = Mode(name="PERMISSIVE")


@dataclass(slots=True)
class Modes:
    """PeerAuthentications by reach."""

    root: str
    wide: dict[str, list[Resource]] = field(default_factory=dict)
    selective: dict[str, list[Resource]] = field(default_factory=dict)

    def of(self, pod: PodView, port: int | None = None) -> Mode:
        """Return the mode of a pod's port, or of its ports in general."""
        candidates = [*self.selective.get(pod.namespace, ()), *self.selective.get(self.root, ())]
        selecting = [each for each in candidates if selects(_labels(each), pod.labels)]
        selecting.sort(key=lambda each: (each.created, each.name, each.namespace))
        for policy in selecting[:1]:
            for written, settings in (policy.spec.get("portLevelMtls") or {}).items():
                if port is not None and str(written) == str(port) and (name := _mode(settings)):
                    return Mode(name=name, policy=policy)
        wide = (self.wide.get(namespace, [])[:1] for namespace in dict.fromkeys((pod.namespace, self.root)))
        for policy in (*selecting[:1], *_flat(wide)):
            if name := _mode(policy.spec.get("mtls")):
                return Mode(name=name, policy=policy)
        return _DEFAULT


def _flat(groups: Iterable[list[Resource]]) -> list[Resource]:
    return [each for group in groups for each in group]


def _labels(policy: Resource) -> dict[str, str]:
    return (policy.spec.get("selector") or {}).get("matchLabels") or {}


def _mode(settings: Json | None) -> str:
    name = str((settings or {}).get("mode") or "UNSET")
    return "" if name == "UNSET" else name


def modes(world: World) -> Modes:
    """Index the PeerAuthentications of a world."""
    found = Modes(root=world.mesh.get("rootNamespace") or "istio-system")
    for policy in sorted(world.of_kind("PeerAuthentication"), key=lambda each: (each.created, each.name)):
        kept = found.selective if _labels(policy) else found.wide
        kept.setdefault(policy.namespace, []).append(policy)
    return found
