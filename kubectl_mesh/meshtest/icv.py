"""Cases of istio-config-validator: blocks of a VirtualService's rule that a request must, or must not, get.

Format: getyourguide/istio-config-validator, docs/test-cases.md. That tool compares the blocks as they are written;
here they say what must become of the request, so the same words are held to what Istio and Envoy really do.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from kubectl_mesh.meshtest.importing import Draft, parts_of
from kubectl_mesh.meshtest.model import Case, Destination, Expectation, Rule
from kubectl_mesh.meshtest.nodes import Node, each
from simulator.model.traces import Disposition

_CASE = (
    "description", "wantMatch", "request", "route", "redirect", "rewrite", "fault", "headers", "delegate",
)  # fmt: skip
_REDIRECT = ("uri", "authority", "port", "derivePort", "scheme", "redirectCode")


def cases(root: Node, sender: str) -> Iterator[Case]:
    """Yield a case for each request of a document; each wanted block that must not match is a case of its own."""
    for node in each(root.fields("testCases").get("testCases"), lambda node: node):
        fields = node.fields(*_CASE)
        if "request" not in fields:
            raise node.wrong("no request")
        request = fields["request"].fields("authority", "method", "uri", "headers")
        for key in ("authority", "method", "uri"):
            if key not in request or not request[key].texts():
                raise fields["request"].wrong(f"no {key}", hint=f"{key}: [...] has one text or more")
        headers = request["headers"].entries() if "headers" in request else {}
        draft = Draft(
            name=fields["description"].text() if "description" in fields else node.name,
            sender=sender,
            position=node.position,
            method="",
            headers=tuple((name, value.text()) for name, value in headers.items()),
        )
        wanted = "wantMatch" in fields and fields["wantMatch"].flag()
        lists = [request[key].texts() for key in ("authority", "method", "uri")]
        for authority, method, uri in itertools.product(*lists):
            named = replace(draft, method=method, name=f"{draft.name} [{method} {authority}{uri}]")
            yield from _cases(named, fields, f"http://{authority}{uri}", wanted=wanted)


def _cases(draft: Draft, fields: Mapping[str, Node], url: str, *, wanted: bool) -> Iterator[Case]:
    expect, untold = _expectation(fields, url)
    if untold:
        draft = replace(draft, skip=untold)
    stated = list(parts_of(expect))
    if not stated or draft.skip:
        yield draft.case(url, None)
    elif wanted:
        yield draft.case(url, expect)
    else:
        for name, part in stated:
            suffix = f" not {name}" if len(stated) > 1 else ""
            yield draft.case(url, Expectation(absent=part), suffix=suffix)


def _expectation(fields: Mapping[str, Node], url: str) -> tuple[Expectation, str]:
    expect = Expectation()
    untold = ""
    if "route" in fields:
        expect = _route(fields["route"])
    if "redirect" in fields:
        expect = replace(expect, **_redirect(fields["redirect"], url))  # type: ignore[arg-type]
    if "rewrite" in fields:
        expect, untold = _rewrite(fields["rewrite"], expect)
    if "headers" in fields:
        changes = fields["headers"].fields("request", "response")
        expect = replace(
            expect,
            request_headers=_headers(changes.get("request")),
            response_headers=_headers(changes.get("response")),
        )
    if "delegate" in fields:
        names = fields["delegate"].fields("name", "namespace")
        context = f"{names['namespace'].text()}/" if "namespace" in names else ""
        expect = replace(expect, rule=Rule(resource=f"VirtualService/{context}{names['name'].text()}"))
    if "fault" in fields:
        expect, reason = _fault(fields["fault"], expect)
        untold = untold or reason
    return expect, untold


def _route(node: Node) -> Expectation:
    """Destinations: one is a destination, several are a split."""
    found: list[tuple[Destination, float]] = []
    for one in node.items():
        fields = one.fields("destination", "weight", "headers")
        target = fields["destination"].fields("host", "subset", "port") if "destination" in fields else {}
        if "host" not in target:
            raise one.wrong("no destination.host")
        port = target["port"].fields("number") if "port" in target else {}
        destination = Destination(
            service=target["host"].text(),
            subset=target["subset"].text() if "subset" in target else "",
            port=port["number"].integer() if "number" in port else None,
        )
        found.append((destination, fields["weight"].number() if "weight" in fields else 0.0))
    if len(found) == 1:
        return Expectation(destination=found[0][0])
    total = sum(weight for _, weight in found) or 1.0
    return Expectation(split=tuple((each_, 100 * weight / total) for each_, weight in found if weight))


def _redirect(node: Node, url: str) -> Mapping[str, object]:
    """Return the parts that a redirect states; what it leaves out stays as in the request."""
    fields = node.fields(*_REDIRECT)
    asked = urlsplit(url)
    scheme = fields["scheme"].text() if "scheme" in fields else asked.scheme
    host = fields["authority"].text() if "authority" in fields else asked.netloc
    if "port" in fields:
        host = f"{host.partition(':')[0]}:{fields['port'].integer()}"
    path = fields["uri"].text() if "uri" in fields else asked.path or "/"
    query = f"?{asked.query}" if asked.query and "?" not in path else ""
    return {
        "disposition": (Disposition.REDIRECTED.value,),
        "redirect": f"{scheme}://{host}{path}{query}",
        "status": fields["redirectCode"].integer() if "redirectCode" in fields else 301,
    }


def _rewrite(node: Node, expect: Expectation) -> tuple[Expectation, str]:
    """What the destination gets begins with the new path: how much of the old one follows is the rule's to say."""
    fields = node.fields("uri", "authority", "uriRegexRewrite")
    if "authority" in fields:
        expect = replace(expect, authority=fields["authority"].text())
    if "uri" in fields:
        expect = replace(expect, path=f"{fields['uri'].text()}*")
    return expect, "uriRegexRewrite says nothing of the path that comes of it" if "uriRegexRewrite" in fields else ""


def _fault(node: Node, expect: Expectation) -> tuple[Expectation, str]:
    fields = node.fields("abort", "delay")
    if "delay" in fields or "abort" not in fields:
        return expect, "a delay changes when a request arrives, not where"
    abort = fields["abort"].fields("httpStatus", "grpcStatus", "percentage", "percent")
    share = abort["percentage"].fields("value") if "percentage" in abort else {}
    percent = share["value"].number() if "value" in share else 0.0
    if "httpStatus" not in abort or percent < 100:
        return expect, "only an abort of every request with an HTTP status has one answer"
    ending = (Disposition.FAULT_ABORTED.value,)
    return replace(expect, disposition=ending, status=abort["httpStatus"].integer(), destination=None, split=()), ""


def _headers(node: Node | None) -> Mapping[str, str | None]:
    if node is None:
        return {}
    fields = node.fields("set", "add", "remove")
    found: dict[str, str | None] = {}
    for key in ("set", "add"):
        if key in fields:
            found |= {name.lower(): value.text() for name, value in fields[key].entries().items()}
    return found | {name.lower(): None for name in (fields["remove"].texts() if "remove" in fields else ())}
