"""EnvoyFilter patches on clusters (istiod: pilot/pkg/networking/core/envoyfilter/cluster_patch.go)."""

from simulator.model.names import ClusterName
from simulator.model.wire import Cluster, Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_filter_listeners import Identity
from simulator.xds.envoy_filter_lists import PatchPanic, added, merged_configuration
from simulator.xds.envoy_filter_patches import MESSAGES, Patch, Patches
from simulator.xds.message_documents import merge


def patch_cluster(snapshot: Snapshot, original: Identity, patches: Patches) -> Cluster | None:
    """Return a cluster with the patches of its context applied; itself when none touches it, None when removed."""
    cluster: Json = original.value  # type: ignore[assignment]
    name = cluster["name"]
    for patch in patches.all:
        if not _matches({**cluster, "name": name}, patch):
            continue
        if patch.operation == "REMOVE":
            return None
        if patch.operation == "MERGE":
            try:
                cluster = _merged(cluster, patch.value)
            except PatchPanic:
                break
            name = cluster["name"]
    return cluster  # type: ignore[return-value]


def added_clusters(patches: Patches, context: str) -> list[Cluster]:
    """Return the clusters that patches add; those for any context go outbound."""
    return [
        added(patch)  # type: ignore[misc]
        for patch in patches.all
        if patch.operation == "ADD" and (patch.context != "ANY" or context in ("SIDECAR_OUTBOUND", "GATEWAY"))
    ]


def _matches(cluster: Json, patch: Patch) -> bool:
    match = patch.cluster
    if match is None:
        return True
    if match.get("name"):
        return bool(match["name"] == cluster["name"])
    parsed = ClusterName.parse(cluster["name"]) or ClusterName("", 0, "", "")
    if match.get("subset") and match["subset"] != parsed.subset:
        return False
    if match.get("service") and match["service"] not in _hosts(cluster, parsed):
        return False
    port = int(match.get("portNumber") or 0)
    return not port or port == parsed.port


def _hosts(cluster: Json, parsed: ClusterName) -> list[str]:
    """Return the host in the name; an inbound cluster is known by the services that its metadata lists."""
    services = cluster.get("metadata", {}).get("filter_metadata", {}).get("istio", {}).get("services", ())
    if parsed.direction == "inbound" and services:
        return [service["host"] for service in services]
    return [parsed.host]


def _merged(cluster: Json, value: Json) -> Json:
    """Merge a cluster; with a transport socket in the patch, only that is merged, or set where names differ."""
    theirs = value.get("transport_socket")
    if not theirs:
        return merge(MESSAGES["CLUSTER"], cluster, value)
    matches = cluster.get("transport_socket_matches", ())
    if matches:
        for index, match in enumerate(matches):
            socket = match.get("transport_socket") or {}
            if socket.get("name") == theirs.get("name"):
                merged = {**match, "transport_socket": _merged_socket(socket, theirs)}
                return {**cluster, "transport_socket_matches": [*matches[:index], merged, *matches[index + 1 :]]}
        return cluster
    mine = cluster.get("transport_socket") or {}
    same = mine and mine.get("name") == theirs.get("name")
    return {**cluster, "transport_socket": _merged_socket(mine, theirs) if same else theirs}


def _merged_socket(mine: Json, theirs: Json) -> Json:
    if not mine.get("typed_config") or not theirs.get("typed_config"):
        return mine
    return {**mine, "typed_config": merged_configuration(mine["typed_config"], theirs["typed_config"])}
