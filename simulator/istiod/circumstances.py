"""Events that an Envoy's configuration does not show: a lost control plane, rejected updates, ejected hosts.

Envoy: docs/root/operations/admin.rst (failed_outlier_check), configuration/overview/mgmt_server.rst (connected_state,
update_rejected).
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The events that one Envoy has met. `ejected` has patterns of clusters whose endpoints are all ejected."""

    connected: bool = True
    ejected: tuple[str, ...] = ()
    rejected: frozenset[str] = frozenset()
    """Short names of the types whose last update was rejected: `LDS`."""

    def is_ejected(self, cluster: str) -> bool:
        """Tell whether outlier detection ejected the endpoints of a cluster."""
        return any(fnmatchcase(cluster, pattern) for pattern in self.ejected)


UNTROUBLED = Circumstances()
