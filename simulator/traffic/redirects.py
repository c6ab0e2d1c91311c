"""Where redirects lead a client that follows them: as far as it takes to find out that they never end."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from simulator.model.addresses import is_address
from simulator.model.requests import USUAL_PORTS, Request, Tls
from simulator.model.traces import Trace

MOST_REDIRECTS = 5
_KEEPS_METHOD = frozenset({307, 308})


def loop_note(trace: Trace, ask: Callable[[Request], Trace]) -> str:
    """Return a note where the redirect that ends a trace leads back, or to ever more redirects; empty elsewhere."""
    found, seen = trace, [_key(trace.request)]
    for _ in range(MOST_REDIRECTS):
        request = _redirected(found)
        if request is None:
            return ""
        key = _key(request)
        if key in seen:
            way = " → ".join(url for _, url in (*seen[seen.index(key) :], key))
            return f"following the redirect never ends: {way}"
        seen.append(key)
        found = ask(request)
    further = _redirected(found)
    return f"after {MOST_REDIRECTS} redirects there is one more, to {_key(further)[1]}" if further is not None else ""


def _redirected(trace: Trace) -> Request | None:
    """Return what a client asks that follows the redirect at the end of a trace; None where there is none."""
    status, request = trace.verdict.status or 0, trace.request
    try:
        url = urlsplit(trace.verdict.location)
    except ValueError:
        return None
    if not 300 <= status < 400 or url.scheme not in USUAL_PORTS or not url.hostname:
        return None
    encrypted, host = url.scheme == "https", url.hostname
    kept = status in _KEEPS_METHOD or request.method == "HEAD"
    return replace(
        request,
        host=host,
        port=_port_of(url.netloc) or USUAL_PORTS[url.scheme],
        scheme=url.scheme,
        method=request.method if kept else "GET",
        target=f"{url.path or '/'}{f'?{url.query}' if url.query else ''}",
        authority=url.netloc,
        tls=Tls.SIMPLE if encrypted else Tls.NONE,
        sni=host if encrypted and not is_address(host) else "",
        alpn=("h2", "http/1.1") if encrypted else (),
    )


def _port_of(netloc: str) -> int:
    port = netloc.rpartition(":")[2]
    return int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0


def _key(request: Request) -> tuple[str, str]:
    """Return the method, and the URL that a redirect would name."""
    authority = request.host_header.lower().removesuffix(f":{USUAL_PORTS.get(request.scheme, 0)}")
    return request.method, f"{request.scheme}://{authority}{request.target}"
