"""PeerAuthentication: the mTLS mode of each workload port, and the one that clients expect of a namespace.

istiod: pilot/pkg/model/authentication.go, pilot/pkg/security/authn/policy_applier.go (ComposePeerAuthentication).
"""

from collections import defaultdict
from collections.abc import Sequence

from simulator.model.labels import Labels, selects
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.policies import MtlsMode, PeerAuthentication

_MODES = {mode.value: mode for mode in MtlsMode}


class PeerAuthentications:
    """PeerAuthentications of one mesh; of several in one place the oldest counts."""

    def __init__(self, resources: Sequence[Resource], *, root_namespace: str) -> None:
        self._root = root_namespace
        self._wide: dict[str, Resource] = {}
        self._selecting: defaultdict[str, list[Resource]] = defaultdict(list)
        for resource in resources:
            if _selector(resource):
                self._selecting[resource.namespace].append(resource)
            else:
                self._wide.setdefault(resource.namespace, resource)
        self._keys = {
            namespace: tuple(sorted({key for one in found for key in _selector(one)}))
            for namespace, found in self._selecting.items()
        }
        self._found: dict[tuple[str, tuple[str | None, ...]], PeerAuthentication] = {}

    def of_workload(self, namespace: str, labels: Labels) -> PeerAuthentication:
        """Return the modes of a workload: mesh, overridden by namespace, overridden by workload and port."""
        key = (namespace, tuple(labels.get(name) for name in self._keys.get(namespace, ())))
        if key not in self._found:
            self._found[key] = self._compose(namespace, labels)
        return self._found[key]

    def of_namespace(self, namespace: str) -> MtlsMode:
        """Return the mode that holds for a namespace by itself."""
        return self._inherited(namespace)[0]

    def _inherited(self, namespace: str) -> tuple[MtlsMode, Resource | None]:
        mode, source = MtlsMode.PERMISSIVE, None
        for owner in (self._root, namespace):
            policy = self._wide.get(owner)
            if policy is not None and (own := _mode(policy.spec.get("mtls"))) is not None:
                mode, source = own, policy
        return mode, source

    def _compose(self, namespace: str, labels: Labels) -> PeerAuthentication:
        mode, source = self._inherited(namespace)
        policy = self._of_workload(namespace, labels)
        if policy is None:
            return PeerAuthentication(mode=mode, source=source)
        mode = _mode(policy.spec.get("mtls")) or mode
        levels = (policy.spec.get("portLevelMtls") or {}).items()
        ports = tuple(sorted((int(port), _mode(setting) or mode) for port, setting in levels))
        return PeerAuthentication(mode=mode, ports=ports, source=policy)

    def _of_workload(self, namespace: str, labels: Labels) -> Resource | None:
        """Return the oldest policy that selects a workload; in the root namespace selectors select nothing."""
        if namespace == self._root:
            return None
        found = [one for one in self._selecting.get(namespace, ()) if selects(_selector(one), labels)]
        return min(found, key=lambda one: one.created, default=None)


def _selector(resource: Resource) -> Labels:
    return (resource.spec.get("selector") or {}).get("matchLabels") or {}


def _mode(setting: Json | None) -> MtlsMode | None:
    """Read a mode; None when it is unset, so that the wider policy's holds."""
    mode = (setting or {}).get("mode") or "UNSET"
    return None if mode == "UNSET" else _MODES.get(mode, MtlsMode.UNKNOWN)
