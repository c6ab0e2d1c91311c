"""Cases of istio-config-validator: blocks of a VirtualService's rule that must, or must not, apply to a request.

Format: getyourguide/istio-config-validator, docs/test-cases.md. That tool compares the blocks as text;
here they are translated to expectations, which are compared with the behaviour of Istio and Envoy.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import urlsplit

from kubectl_mesh.meshtest.borrowed import Borrowed
from kubectl_mesh.meshtest.drafts import Draft
from kubectl_mesh.meshtest.icv_blocks import Block, blocks
from kubectl_mesh.meshtest.model import Case, Expectation
from kubectl_mesh.meshtest.nodes import Node, each

_BLOCKS = ("route", "redirect", "rewrite", "fault", "headers", "delegate")
_CASE = ("description", "wantMatch", "request", *_BLOCKS)
_FORWARDED = frozenset({"destination", "split", "path", "authority", "request_headers"})
"""Parts of an expectation that do not apply to a request that a fault aborts."""
_ALMOST = 1 - 2**-20
"""A random value with which faults with a share below 100 per cent do not hit the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The expectations of a case, which hold for each of its requests."""

    draft: Draft
    blocks: Mapping[str, Node]
    wanted: bool


def cases(root: Node, sender: str) -> Iterator[Case]:
    """Yield a case for each request of a document; each wanted block that must not match is a case of its own."""
    for node in each(root.fields("testCases").get("testCases"), lambda node: node):
        stated = node.fields(*_CASE)
        if "request" not in stated:
            raise node.wrong("no request")
        request = stated["request"].fields("authority", "method", "uri", "headers")
        for key in ("authority", "method", "uri"):
            if key not in request or not request[key].texts():
                raise stated["request"].wrong(f"no {key}", hint=f"{key}: [...] has one text or more")
        headers = request["headers"].entries() if "headers" in request else {}
        draft = Draft(
            name=stated["description"].text() if "description" in stated else node.name,
            sender=sender,
            position=node.position,
            method="",
            headers=tuple((name, value.text()) for name, value in headers.items()),
        )
        asked = _Asked(
            draft=draft,
            blocks={name: stated[name] for name in _BLOCKS if name in stated},
            wanted="wantMatch" in stated and stated["wantMatch"].flag(),
        )
        lists = [request[key].texts() for key in ("authority", "method", "uri")]
        for authority, method, uri in itertools.product(*lists):
            yield from _cases(asked, method, _url(authority, uri))


def _url(authority: str, uri: str) -> str:
    """Return the URL of a request; where `uri` is a whole URL, only its path counts."""
    parts = urlsplit(uri)
    path = parts.path if parts.netloc else uri
    return f"http://{authority}/{path.removeprefix('/')}"


def _cases(asked: _Asked, method: str, url: str) -> Iterator[Case]:
    draft = replace(asked.draft, method=method, name=f"{asked.draft.name} [{method} {url.removeprefix('http://')}]")
    found = blocks(asked.blocks, url)
    if any(block.spared for block in found.values()):
        draft = replace(draft, random=_ALMOST)
    told = {name: block for name, block in found.items() if not block.untold}
    if not found or (asked.wanted and told):
        yield draft.case(url, _together(told) if told else None)
    for name, block in found.items():
        suffix = f" not {name}" if not asked.wanted else f" {name}"
        if block.untold:
            yield replace(draft, skip=block.untold).case(url, None, suffix=suffix if len(found) > 1 else "")
        elif not asked.wanted:
            another = replace(block.expect, borrowed=Borrowed(rewritten=True)) if name == "rewrite" else block.expect
            absent = Expectation(absent=another)
            yield draft.case(url, absent, suffix=suffix if len(found) > 1 else "")


def _together(found: Mapping[str, Block]) -> Expectation:
    """Return one expectation of all blocks; where a fault aborts every request, nothing about its destination."""
    blank = Expectation()
    ends = any(block.ends for block in found.values())
    parts: dict[str, object] = {}
    for block in found.values():
        for part in fields(Expectation):
            value = getattr(block.expect, part.name)
            if value != getattr(blank, part.name) and not (ends and part.name in _FORWARDED):
                both = isinstance(value, dict) and isinstance(parts.get(part.name), dict)
                parts[part.name] = {**parts[part.name], **value} if both else value  # type: ignore[dict-item]
    return replace(blank, **parts)  # type: ignore[arg-type] # names and values of one class
