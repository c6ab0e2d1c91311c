"""Blocks of a VirtualService's rule → expectations about a request to which they apply.

istio.io/api: networking/v1alpha3/virtual_service.proto. Keys are accepted in both spellings, as in protobuf's JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kubectl_mesh.meshtest.borrowed import Borrowed
from kubectl_mesh.meshtest.durations import seconds
from kubectl_mesh.meshtest.model import Destination, Expectation, Rule
from kubectl_mesh.meshtest.nodes import Node
from simulator.model.grpc_statuses import GRPC_STATUSES
from simulator.model.traces import Disposition

_REDIRECT = ("uri", "authority", "port", "derivePort", "scheme", "redirectCode")
_EVERY = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The expectation of one block, or why it has none."""

    expect: Expectation = field(default_factory=Expectation)
    untold: str = ""
    ends: bool = False
    """Whether a fault aborts every request, so that nothing is forwarded."""
    spared: bool = False
    """Whether a fault aborts some requests; this one is assumed not to be among them."""


def blocks(stated: Mapping[str, Node], url: str) -> Mapping[str, Block]:
    """Read the blocks of a case; `url` has the parts that a redirect does not change."""
    readers: Mapping[str, Callable[[Node], Block]] = {
        "route": _route,
        "redirect": lambda node: _redirect(node, url),
        "rewrite": _rewrite,
        "fault": _fault,
        "headers": lambda node: Block(expect=_headers(node)),
        "delegate": _delegate,
    }
    return {name: readers[name](node) for name, node in stated.items()}


def _route(node: Node) -> Block:
    """Return the expected destination, or the split of several."""
    found: list[tuple[Destination, float]] = []
    headers = Expectation()
    for one in node.items():
        fields = one.camel().fields("destination", "weight", "headers")
        target = fields["destination"].fields("host", "subset", "port") if "destination" in fields else {}
        if "host" not in target:
            raise one.wrong("no destination.host")
        port = target["port"].fields("number") if "port" in target else {}
        destination = Destination(
            service=target["host"].text(),
            subset=target["subset"].text() if "subset" in target else "",
            port=port["number"].integer() if "number" in port else None,
        )
        headers = _headers(fields["headers"]) if "headers" in fields else headers
        found.append((destination, fields["weight"].number() if "weight" in fields else 0.0))
    if not found:
        return Block(untold="a route without destinations expects nothing")
    if len(found) == 1:
        changes = (headers.request_headers, headers.response_headers)
        return Block(
            expect=Expectation(destination=found[0][0], request_headers=changes[0], response_headers=changes[1])
        )
    total = sum(weight for _, weight in found)
    if not total:
        return Block(untold="istiod refuses rules with several destinations and no weights")
    if headers != Expectation():
        return Block(untold="the headers depend on which of the destinations is chosen")
    return Block(expect=Expectation(split=tuple((target, 100 * weight / total) for target, weight in found if weight)))


def _redirect(node: Node, url: str) -> Block:
    """Return the expected location; parts that the redirect leaves out are those of the request."""
    node = node.camel()
    if isinstance(node.value, dict) and "prefixRewrite" in node.value:
        return Block(untold="prefixRewrite does not determine the resulting path")
    fields = node.fields(*_REDIRECT)
    asked = urlsplit(url)
    scheme = fields["scheme"].text() if "scheme" in fields else asked.scheme
    host = fields["authority"].text() if "authority" in fields else asked.netloc
    keeps = "derivePort" in fields and fields["derivePort"].text(among=_PORTS) == _PORTS[1]
    if keeps and "authority" in fields and asked.port:
        host = f"{host}:{asked.port}"
    if "port" in fields:
        host = f"{host.partition(':')[0]}:{fields['port'].integer()}"
    path = fields["uri"].text() if "uri" in fields else asked.path or "/"
    query = f"?{asked.query}" if asked.query and "?" not in path else ""
    expect = Expectation(
        disposition=(Disposition.REDIRECTED.value,),
        redirect=f"{scheme}://{host}{path}{query}",
        status=fields["redirectCode"].integer() if "redirectCode" in fields else 301,
    )
    return Block(expect=expect)


_PORTS = ("FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT")


def _rewrite(node: Node) -> Block:
    """Return the beginning of the path that the destination gets: the rule decides how much of the old one follows."""
    fields = node.camel().fields("uri", "authority", "uriRegexRewrite")
    if "uriRegexRewrite" in fields:
        fields["uriRegexRewrite"].fields("match", "rewrite")
        return Block(untold="uriRegexRewrite does not determine the resulting path")
    authority = fields["authority"].text() if "authority" in fields else None
    path = f"{fields['uri'].text()}*" if "uri" in fields else None
    return Block(expect=Expectation(path=path, authority=authority))


def _fault(node: Node) -> Block:
    fields = node.camel().fields("abort", "delay")
    wanted: dict[str, str] = {}
    if "delay" in fields:
        delay = fields["delay"].camel().fields("fixedDelay", "exponentialDelay", "percentage", "percent")
        if "exponentialDelay" in delay:
            return Block(untold="istiod does not support exponentialDelay")
        if "fixedDelay" in delay:
            length = seconds(delay["fixedDelay"].text())
            if length is None:
                raise delay["fixedDelay"].wrong("not a duration", hint="write 5s or 250ms")
            wanted["delay"] = f"{length:g}s"
        wanted |= {"delay percent": f"{_percent(delay):g}"} if _percent(delay) is not None else {}
    if "abort" not in fields:
        return Block(expect=Expectation(borrowed=Borrowed(faults=wanted))) if wanted else Block(untold="it is empty")
    abort = fields["abort"].camel().fields("httpStatus", "grpcStatus", "http2Error", "percentage", "percent")
    percent = _percent(abort)
    status = abort["httpStatus"].integer() if "httpStatus" in abort else None
    if status is not None:
        wanted["abort"] = str(status)
    elif "grpcStatus" in abort:
        wanted["abort"] = f"gRPC {GRPC_STATUSES.index(abort['grpcStatus'].text(among=GRPC_STATUSES))}"
    wanted |= {"abort percent": f"{percent:g}"} if percent is not None else {}
    expect = Expectation(borrowed=Borrowed(faults=wanted))
    if percent != _EVERY:
        return Block(expect=expect, spared=True)
    return Block(expect=_aborted(expect, status), ends=True)


def _aborted(expect: Expectation, status: int | None) -> Expectation:
    ending = (Disposition.FAULT_ABORTED.value,)
    return Expectation(disposition=ending, status=status, borrowed=expect.borrowed)


def _percent(fields: Mapping[str, Node]) -> float | None:
    if "percentage" in fields:
        share = fields["percentage"].fields("value")
        return share["value"].per_cent() if "value" in share else 0.0
    return fields["percent"].per_cent() if "percent" in fields else None


def _delegate(node: Node) -> Block:
    names = node.fields("name", "namespace")
    if "name" not in names:
        raise node.wrong("no name")
    context = f"{names['namespace'].text()}/" if "namespace" in names else ""
    return Block(expect=Expectation(rule=Rule(resource=f"VirtualService/{context}{names['name'].text()}")))


def _headers(node: Node) -> Expectation:
    changes = node.fields("request", "response")
    return Expectation(
        request_headers=_operations(changes.get("request")), response_headers=_operations(changes.get("response"))
    )


def _operations(node: Node | None) -> Mapping[str, str | None]:
    if node is None:
        return {}
    fields = node.fields("set", "add", "remove")
    found: dict[str, str | None] = {}
    for key in ("set", "add"):
        if key in fields:
            found |= {name.lower(): value.text() for name, value in fields[key].entries().items()}
    return found | {name.lower(): None for name in (fields["remove"].texts() if "remove" in fields else ())}
