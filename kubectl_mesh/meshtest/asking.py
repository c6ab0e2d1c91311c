"""The requests of cases, converted to requests that can be traced."""

from collections.abc import Iterator

from kubectl_mesh.diagnosis.request_line import RequestFlags, read_request, resolutions
from kubectl_mesh.errors import UsageError
from kubectl_mesh.meshtest.model import RequestSpec
from simulator.model.requests import Request


def request_of(spec: RequestSpec) -> Request:
    """Return the request that a case describes; raises UsageError for one that no client could send."""
    return read_request(spec.url, _flags(spec))


def mistakes(spec: RequestSpec) -> Iterator[tuple[str, str, str]]:
    """Yield (key, problem, hint) for each value that makes a request no client could send."""
    alone = {
        "url": (spec.url, RequestFlags()),
        "method": (_HOST, RequestFlags(method=spec.method)),
        "headers": (_HOST, RequestFlags(headers=_flags(spec).headers)),
        "sourceIP": (_HOST, RequestFlags(source_ip=spec.source_ip)),
        "random": (_HOST, RequestFlags(random=spec.random)),
    }
    for key, (url, flags) in alone.items():
        try:
            read_request(url, flags)
        except UsageError as error:
            yield key, _without_flag(error), error.hint if key == "url" else ""
    try:
        resolutions([f"{host}:{address}" for host, address in spec.resolve.items()])
    except UsageError as error:
        yield "resolve", _without_flag(error), "write HOST: IP"


_HOST = "http://host"


def _flags(spec: RequestSpec) -> RequestFlags:
    headers = tuple(f"{name}: {value}" for name, value in spec.headers)
    return RequestFlags(
        method=spec.method, headers=headers, source_ip=spec.source_ip, sni=spec.sni, tls=spec.tls, random=spec.random
    )


def _without_flag(error: UsageError) -> str:
    """Return a message without the leading flag of `trace`, since files have keys instead of flags."""
    text = str(error)
    return text.partition(" ")[2] if text.startswith("-") else text
