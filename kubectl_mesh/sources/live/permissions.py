"""What the user may do, as the API server's own authorizers say."""

from kubectl_mesh.errors import SourceError, Unreachable
from kubectl_mesh.sources.live.api import ApiServer

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def refusal_to_create(api: ApiServer, resource: str, *, group: str, namespace: str) -> str | None:
    """Return why the user may not create a kind of resource, in the API server's words; None when they may."""
    attributes = {"verb": "create", "group": group, "version": "v1", "resource": resource, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    try:
        status = api.send("POST", _REVIEWS, review).get("status") or {}
    except Unreachable:
        raise
    except SourceError as error:
        return str(error)
    return None if status.get("allowed") else str(status.get("reason") or "")
