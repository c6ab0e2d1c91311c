"""Replies that are cut off, like those of a server or a proxy that dies while it answers."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


async def truncated(http: "web.BaseRequest", whole: "web.Response") -> "web.StreamResponse":
    """Send half of a reply that promises its whole length, then close the connection."""
    from aiohttp import web

    body = whole.body if isinstance(whole.body, bytes) else b""
    response = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.content_type})
    response.content_length = len(body)
    await response.prepare(http)
    await response.write(body[: len(body) // 2])
    if http.transport is not None:
        http.transport.close()
    raise asyncio.CancelledError  # ends the handler without a response of its own
