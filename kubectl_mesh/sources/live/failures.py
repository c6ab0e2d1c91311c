"""What an API server or a network refuses, in this program's words: the one seam where client errors are translated."""

import json
import re
from typing import Any

from kubectl_mesh.errors import NothingFound, SourceError, Unreachable

_CUT = re.compile(r"IncompleteRead\((\d+) bytes read, (\d+) more expected\)")


class Forbidden(SourceError):
    """The user may not do what a question needs."""


class Unauthorized(Unreachable):
    """The API server does not know who asks."""


class Missing(NothingFound):
    """The API server knows no such object or resource type."""


class Gone(SourceError):
    """A list cannot be continued: its version is too old."""


def refused(status: int, body: bytes, *, what: str) -> Exception:
    """Return the error for an unsuccessful response of the API server."""
    message = _message(body) or f"HTTP {status}"
    if status == 401:
        return Unauthorized(f"{what}: {message}", hint="log in again; kubectl auth whoami shows who you are")
    if status == 403:
        return Forbidden(f"{what}: {message}", hint="kubectl auth can-i --list shows what you may do")
    if status == 404:
        return Missing(f"{what}: {message}")
    if status == 410:
        return Gone(f"{what}: {message}")
    return SourceError(f"{what}: {message}")


def _message(body: bytes) -> str:
    try:
        status = json.loads(body)
    except ValueError:
        return body[:200].decode("utf-8", "replace").strip()
    return str(status.get("message", "")) if isinstance(status, dict) else ""


def unreachable(error: Exception, *, host: str) -> Unreachable:
    """Return the error for a connection that failed."""
    reason: Any = error
    while getattr(reason, "reason", None) is not None and isinstance(reason.reason, Exception):
        reason = reason.reason
    text = str(reason)
    words = text.lower()
    if "certificate verify failed" in words:
        detail = text.partition("certificate verify failed:")[2].strip(" )'\"") or "its certificate is not trusted"
        return Unreachable(
            f"{host}: certificate: {detail.split('(_ssl')[0].strip()}",
            hint="check certificate-authority in the kubeconfig, or --insecure-skip-tls-verify",
        )
    if "timed out" in words or isinstance(error, TimeoutError):
        return Unreachable(f"{host}: no answer in time", hint="--request-timeout allows more")
    if cut := _CUT.search(text):
        read, missing = (int(count) for count in cut.groups())
        return Unreachable(
            f"{host}: the reply ended in the middle, after {read} of {read + missing} bytes",
            hint="ask again; when it stays so, something on the way cuts replies: kubectl get --raw /readyz",
        )
    if "refused" in words:
        return Unreachable(f"{host}: connection refused", hint="is the cluster running? kubectl cluster-info")
    if "name or service not known" in words or "failed to resolve" in words or "nodename" in words:
        return Unreachable(
            f"{host}: no such host", hint="check the server in the kubeconfig: kubectl config view --minify"
        )
    return Unreachable(
        f"{host}: {text.splitlines()[0] if text else type(reason).__name__}", hint="kubectl cluster-info"
    )
