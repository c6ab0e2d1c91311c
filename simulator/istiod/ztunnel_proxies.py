"""A ztunnel's state for the pods of its own node: a proxy and the identity of a certificate for each.

ztunnel: src/inpod/admin.rs (`workloadState`), src/identity/manager.rs and src/admin.rs (`certificates`). Manifests give
only the names of certificates, and no connections; a served mesh, which has a CA, fills certificates in.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simulator.model.wire import Json

if TYPE_CHECKING:
    from simulator.model.resources import Resource
    from simulator.registry.snapshot import Snapshot


def of_node(snapshot: "Snapshot", node: str) -> Json:
    """Return the sections `certificates` and `workloadState` of the ztunnel of a node; both empty without a node."""
    pods = list(_captured(snapshot, node)) if node else []
    identities = {_identity(snapshot.trust_domain, pod) for pod in pods}
    return {
        "certificates": [
            {"identity": identity, "state": "Available", "certChain": [], "rootCerts": []}
            for identity in sorted(identities)
        ],
        "workloadState": {
            str(pod.metadata.get("uid") or f"{pod.namespace}/{pod.name}"): {
                "state": "Up",
                "connections": {"inbound": [], "outbound": []},
                "info": {"name": pod.name, "namespace": pod.namespace, "serviceAccount": _account(pod)},
            }
            for pod in pods
        },
    }


def _captured(snapshot: "Snapshot", node: str) -> "Iterator[Resource]":
    from simulator.registry.endpoint_slices import ambient_captured

    for pod in snapshot.resources("Pod"):
        is_running = pod.status.get("phase") not in ("Failed", "Succeeded") and pod.status.get("podIP")
        if is_running and pod.spec.get("nodeName") == node and ambient_captured(pod):
            yield pod


def _identity(trust_domain: str, pod: "Resource") -> str:
    return f"spiffe://{trust_domain}/ns/{pod.namespace}/sa/{_account(pod)}"


def _account(pod: "Resource") -> str:
    return str(pod.spec.get("serviceAccountName") or "default")
