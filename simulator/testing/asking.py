"""Reads the arguments of `TestMesh.trace`, a workload's name and a URL, into the predictor's types."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from urllib.parse import urlsplit

from simulator.model.directory import Directory, Workload
from simulator.model.errors import SimulatorError
from simulator.model.proxies import Role
from simulator.model.requests import Request, Tls, Wire

OUTSIDE = "outside"
Headers = Mapping[str, str | Sequence[str]]
"""Name → value, or several values."""
_PORTS = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443, "h2c": 80, "tcp": 0, "tls": 443}
_WIRES = {"grpc": Wire.HTTP2, "grpcs": Wire.HTTP2, "h2c": Wire.HTTP2, "tcp": Wire.OPAQUE, "tls": Wire.OPAQUE}
_SHORT = {"deployment": "deploy", "statefulset": "sts", "daemonset": "ds", "replicaset": "rs", "job": "job"}


def find_sender(directory: Directory, text: str) -> Workload | None:
    """Return the workload of `[NAMESPACE/][KIND/]NAME`, the first pod of several; None for `outside`.

    Raises SimulatorError for an unknown name, or one that workloads of several namespaces have.
    """
    __tracebackhide__ = True
    if text == OUTSIDE:
        return None
    *context, name = text.split("/")
    kind = context.pop() if context and _is_kind(context[-1]) else ""
    namespace = context[0] if context else ""
    found = [
        each
        for each in directory.workloads
        if namespace in ("", each.namespace) and _has_kind(each, kind) and name in _names(each, kind)
    ]
    if not found:
        known = sorted({f"{each.namespace}/{each.owner or each.name}" for each in directory.workloads})
        close = get_close_matches(text, known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"workloads are {', '.join(known[:8])}"
        raise SimulatorError(f"{text}: no such workload", hint=hint)
    homes = sorted({each.namespace for each in found})
    if len(homes) > 1:
        raise SimulatorError(f"{text}: in namespaces {' and '.join(homes)}", hint=f"write {homes[0]}/{text}")
    return min(found, key=lambda each: each.name)


def _is_kind(word: str) -> bool:
    return word.lower() in {"pod", "gateway", *_SHORT, *_SHORT.values()}


def _has_kind(workload: Workload, kind: str) -> bool:
    word = kind.lower()
    if word == "gateway":
        return workload.role is Role.GATEWAY
    owner = workload.owner_kind.lower()
    return word in ("", "pod", owner, _SHORT.get(owner, owner))


def _names(workload: Workload, kind: str) -> frozenset[str]:
    selecting = [each.name for each in workload.gateways] if kind.lower() == "gateway" else []
    return workload.gateway_names.union(selecting)


def read_url(url: str, *, method: str = "GET", headers: Headers | None = None, random: float | None = None) -> Request:
    """Read a URL, `http` when it names no scheme, into a request; raises SimulatorError for anything else."""
    __tracebackhide__ = True
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in _PORTS or not parts.hostname:
        raise SimulatorError(
            f"{url}: not a URL", hint=f"write http://HOST[:PORT]/PATH; schemes are {', '.join(_PORTS)}"
        )
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise SimulatorError(f"{url}: {error}") from error
    if not port:
        raise SimulatorError(f"{url}: no port", hint=f"write {parts.scheme}://{parts.hostname}:PORT")
    path = parts.path or "/"
    encrypted = parts.scheme in ("https", "grpcs", "tls")
    given = [
        (name.lower(), each)
        for name, value in (headers or {}).items()
        for each in ([value] if isinstance(value, str) else value)
    ]
    authority = next((value for name, value in given if name == "host"), None)
    return Request(
        host=parts.hostname,
        port=port,
        scheme="https" if encrypted else "http",
        method="POST" if parts.scheme in ("grpc", "grpcs") else method,
        target=f"{path}?{parts.query}" if parts.query else path,
        authority=authority,
        headers=tuple(pair for pair in given if pair[0] != "host"),
        wire=_WIRES.get(parts.scheme, Wire.HTTP1),
        tls=Tls.SIMPLE if encrypted else Tls.NONE,
        sni=parts.hostname if encrypted else "",
        random=random,
    )


def read_tls(text: str) -> Tls:
    """Read how an application encrypts; raises SimulatorError for an unknown value."""
    known = [each.value for each in Tls]
    if text not in known:
        raise SimulatorError(f"{text}: not known", hint=f"tls is one of {', '.join(known)}")
    return Tls(text)
