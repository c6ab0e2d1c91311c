"""A proxy's config dump with the endpoints that istiod sent it.

Envoy prints endpoints with defaults filled in, and also those that clusters contain themselves. Generated state is
compared with what istiod sent, which is also what a new Envoy would receive.
"""

from collections.abc import Sequence

from simulator.model.wire import Json

_SECTION = "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump"
_ASSIGNMENT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"


def with_sent_endpoints(dump: Json, assignments: Sequence[Json]) -> Json:
    """Return a dump whose section of endpoints holds exactly `assignments`."""
    entries = [{"endpoint_config": {"@type": _ASSIGNMENT, **assignment}} for assignment in assignments]
    section = {"@type": _SECTION, "dynamic_endpoint_configs": entries}
    return dump | {
        "configs": [section if each.get("@type") == _SECTION else each for each in dump.get("configs") or ()]
    }
