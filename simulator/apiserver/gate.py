"""Access to the server: only clients on this machine, with a token that this server issued.

Requests that a web page makes to the port are refused by their Host (DNS rebinding) and their Origin.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from simulator.apiserver.authorization import User, impersonated
from simulator.apiserver.fault_pages import is_control
from simulator.apiserver.reviews import Tokens
from simulator.apiserver.statuses import StatusError, unauthorized

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/version"})


def check_origin(headers: Mapping[str, str]) -> None:
    """Raise StatusError for a request that names another host, or that comes from a page of another host."""
    origin = headers.get("Origin")
    if not _is_loopback(f"//{headers.get('Host', '')}") or (origin is not None and not _is_loopback(origin)):
        raise StatusError(code=403, reason="Forbidden", message="only clients on this machine are served")


def _is_loopback(address: str) -> bool:
    try:
        return (urlsplit(address).hostname or "") in _LOOPBACK
    except ValueError:
        return False


def user_of(tokens: Tokens, headers: Mapping[str, str], groups: Sequence[str], path: str) -> User:
    """Return who sends a request. Raises StatusError for a request without a valid token."""
    kind, _, token = headers.get("Authorization", "").partition(" ")
    known = tokens.holder if is_control(path) else tokens.user
    user = known(token.strip()) if kind.lower() == "bearer" else None
    if user is None:
        if path in OPEN_PATHS and not kind:
            return User(name="system:anonymous", groups=("system:unauthenticated",))
        raise unauthorized()
    return impersonated(user, headers, groups)
