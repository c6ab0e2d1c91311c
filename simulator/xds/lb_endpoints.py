"""One endpoint in Envoy's form: its address, health, weight, and the metadata that tells how to reach it.

istiod: pilot/pkg/xds/endpoints/endpoint_builder.go (buildEnvoyLbEndpoint).
"""

from collections.abc import Mapping, Sequence

from simulator.model.services import Endpoint, Health, Service
from simulator.model.wire import Json
from simulator.registry.service_entries import CANONICAL_FLAG, CANONICAL_NAME, CANONICAL_REVISION
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import additional_addresses, address
from simulator.xds.internal_sockets import CONNECT_ORIGINATE, ORIGINAL_DST

DRAINING_LABEL = "istio.io/draining"


def envoy_endpoint(snapshot: Snapshot, endpoint: Endpoint, mtls: bool, external: Service | None) -> Json:
    """Return an endpoint in Envoy's form; metadata chooses its transport socket and names its workload.

    `external`: the service, where it is outside of the mesh.
    """
    target: Json = {"address": address(endpoint.address, endpoint.port)}
    if snapshot.flag("ISTIO_DUAL_STACK", default=False) and len(endpoint.addresses) > 1:
        target["additional_addresses"] = additional_addresses(endpoint.addresses[1:], endpoint.port)
    result: Json = {"endpoint": target}
    health = draining_by_label(snapshot, endpoint) or endpoint.health
    if health is not Health.UNKNOWN:
        result["health_status"] = health.value if health is not Health.TERMINATING else "TIMEOUT"
    result["load_balancing_weight"] = endpoint.weight or 1
    metadata: Json = {}
    if mtls and endpoint.tls_mode not in ("", "disabled"):
        metadata["envoy.transport_socket_match"] = {"tlsMode": endpoint.tls_mode}
    if snapshot.flag("PILOT_ENABLE_TELEMETRY_LABEL", default=True) and snapshot.flag(
        "PILOT_ENDPOINT_TELEMETRY_LABEL", default=True
    ):
        metadata["istio"] = {"workload": _workload(snapshot, endpoint, external)}
    result["metadata"] = {"filter_metadata": metadata} if metadata else {}
    return result


def tunnelled_endpoint(
    member: Json,
    target: str,
    *,
    waypoint: str = "",
    chosen_by_match: bool = True,
    listener: str = CONNECT_ORIGINATE,
) -> Json:
    """Return an endpoint as it is reached through a tunnel to `target`, or to a `waypoint` that sends it on.

    `chosen_by_match`: the cluster has other ways to reach endpoints, so the endpoint says that this one is for it.
    """
    inner = {"server_listener_name": listener, "endpoint_id": waypoint or target}
    known = member.get("metadata", {}).get("filter_metadata", {})
    metadata: Json = {**known, ORIGINAL_DST: {"local": target, **({"waypoint": waypoint} if waypoint else {})}}
    if chosen_by_match:
        metadata["envoy.transport_socket_match"] = {"tunnel": "http"}
    return {
        **member,
        "endpoint": {"address": {"envoy_internal_address": inner}},
        "metadata": {"filter_metadata": metadata},
    }


def host_and_port(host: str, port: int) -> str:
    """Join an address and a port; brackets set an IPv6 address apart."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _workload(snapshot: Snapshot, endpoint: Endpoint, external: Service | None) -> str:
    labels, namespace = dict(endpoint.labels), endpoint.namespace
    if external is not None and snapshot.flag(CANONICAL_FLAG, default=False):
        namespace = external.namespace
        if CANONICAL_NAME[0] in external.labels:
            labels[CANONICAL_NAME[0]] = external.labels[CANONICAL_NAME[0]]
            labels[CANONICAL_REVISION[0]] = external.labels.get(CANONICAL_REVISION[0], "")
    name = _first_label(labels, CANONICAL_NAME, endpoint.workload_name)
    revision = _first_label(labels, CANONICAL_REVISION, "latest")
    revision = "" if revision == "latest" else revision
    return ";".join((endpoint.workload_name, namespace, name, revision, endpoint.cluster_id))


def _first_label(labels: Mapping[str, str], keys: Sequence[str], default: str) -> str:
    return next((labels[key] for key in keys if key in labels), default)


def draining_by_label(snapshot: Snapshot, endpoint: Endpoint) -> Health | None:
    """Return DRAINING where the endpoint's labels say that it is."""
    label = snapshot.flags.get("PILOT_DRAINING_LABEL", DRAINING_LABEL)
    return Health.DRAINING if label and endpoint.labels.get(label) else None
