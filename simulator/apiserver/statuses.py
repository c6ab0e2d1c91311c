"""The API server's errors: a `Status` object with an HTTP code, by which clients decide.

Kubernetes: staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go.
"""

from collections.abc import Sequence

from simulator.model.wire import Json


class StatusError(Exception):
    """A request that ends in a Status. `details` names the object and its causes."""

    def __init__(self, *, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    def document(self) -> Json:
        """Return the Status object."""
        status: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            **({"reason": self.reason} if self.reason else {}),
            "details": self.details,  # even where it is empty: clients read its fields
        }
        return status | {"code": self.code}


def qualified(plural: str, group: str) -> str:
    """Name a resource type as messages do: `pods`, `deployments.apps`."""
    return f"{plural}.{group}" if group else plural


def _details(plural: str, group: str, name: str, causes: Sequence[Json] = ()) -> Json:
    details: Json = {"name": name, "group": group, "kind": plural, "causes": list(causes)}
    return {key: value for key, value in details.items() if value}


def not_found(plural: str, group: str, name: str) -> StatusError:
    """Return 404 for an object."""
    message = f'{qualified(plural, group)} "{name}" not found'
    return StatusError(code=404, reason="NotFound", message=message, details=_details(plural, group, name))


def no_such_path() -> StatusError:
    """Return 404 for a path that no resource type answers."""
    return StatusError(code=404, reason="NotFound", message="the server could not find the requested resource")


def not_simulated(plural: str, subresource: str) -> StatusError:
    """Return 404 for a subresource that real clusters have and this one does not."""
    words = f"the server could not find the requested resource: {plural}/{subresource} is not simulated"
    return StatusError(code=404, reason="NotFound", message=words)


def already_exists(plural: str, group: str, name: str) -> StatusError:
    """Return 409 for the creation of an object that exists."""
    message = f'{qualified(plural, group)} "{name}" already exists'
    return StatusError(code=409, reason="AlreadyExists", message=message, details=_details(plural, group, name))


def conflict(plural: str, group: str, name: str, why: str) -> StatusError:
    """Return 409 for a write that is based on an old version."""
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
    return StatusError(code=409, reason="Conflict", message=message, details=_details(plural, group, name))


def invalid(kind: str, group: str, name: str, causes: Sequence[tuple[str, str]]) -> StatusError:
    """Return 422 for an object that breaks its own rules; each cause is a field and what is wrong with it."""
    listed = [f"{field}: {text}" for field, text in causes]
    summary = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
    documents = [{"reason": "FieldValueInvalid", "message": text, "field": field} for field, text in causes]
    return StatusError(
        code=422,
        reason="Invalid",
        message=f'{qualified(kind, group)} "{name}" is invalid: {summary}',
        details=_details(kind, group, name, documents),
    )


def bad_request(message: str) -> StatusError:
    """Return 400."""
    return StatusError(code=400, reason="BadRequest", message=message)


def expired(message: str) -> StatusError:
    """Return 410: the resource version asked for is no longer kept."""
    return StatusError(code=410, reason="Expired", message=message)


def unauthorized() -> StatusError:
    """Return 401."""
    return StatusError(code=401, reason="Unauthorized", message="Unauthorized")


def forbidden(plural: str, group: str, name: str, why: str) -> StatusError:
    """Return 403 with the authorizer's reason."""
    subject = f' "{name}"' if name else ""
    return StatusError(
        code=403,
        reason="Forbidden",
        message=f"{qualified(plural, group)}{subject} is forbidden: {why}",
        details=_details(plural, group, name),
    )


def method_not_allowed() -> StatusError:
    """Return 405."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(code=405, reason="MethodNotAllowed", message=message)


def unsupported_media(kind: str) -> StatusError:
    """Return 415 for a body of a type that is not understood."""
    message = f"the body of the request was in an unknown format - accepted media types include: {kind}"
    return StatusError(code=415, reason="UnsupportedMediaType", message=message)


def too_large() -> StatusError:
    """Return 413."""
    return StatusError(code=413, reason="RequestEntityTooLarge", message="Request entity too large: limit is 3145728")


def internal(message: str) -> StatusError:
    """Return 500."""
    return StatusError(code=500, reason="InternalError", message=f"Internal error occurred: {message}")


def success(details: Json | None = None) -> Json:
    """Return the Status that a deletion answers with."""
    status: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return status | {"details": details} if details else status
