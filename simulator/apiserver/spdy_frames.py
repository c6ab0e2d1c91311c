"""SPDY/3.1 frames: the subset of the protocol that Kubernetes' port-forward and exec use.

The SPDY/3.1 draft, sections 2.2 and 2.6. Flow control is left out, as Kubernetes' implementations do.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_WORDS = (
    "options", "head", "post", "put", "delete", "trace", "accept", "accept-charset", "accept-encoding",
    "accept-language", "accept-ranges", "age", "allow", "authorization", "cache-control", "connection", "content-base",
    "content-encoding", "content-language", "content-length", "content-location", "content-md5", "content-range",
    "content-type", "date", "etag", "expect", "expires", "from", "host", "if-match", "if-modified-since",
    "if-none-match", "if-range", "if-unmodified-since", "last-modified", "location", "max-forwards", "pragma",
    "proxy-authenticate", "proxy-authorization", "range", "referer", "retry-after", "server", "te", "trailer",
    "transfer-encoding", "upgrade", "user-agent", "vary", "via", "warning", "www-authenticate", "method", "get",
    "status", "200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin",
)  # fmt: skip
_REST = (
    b"100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    b"203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    b"403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    b"Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    b"chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    b"text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(struct.pack(">I", len(word)) + word.encode() for word in _WORDS) + _REST
"""The initial dictionary of header compression (section 2.6.10.1)."""

VERSION = 3
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FIN = 0x01
MAX_FRAME = 1 << 22
MAX_HEADERS = 1 << 16
CHUNK = 1 << 16


class ProtocolError(Exception):
    """The peer's bytes are not valid SPDY/3.1."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame; data frames have type 0. `stream` is 0 for a frame of the whole connection."""

    type: int
    flags: int
    stream: int
    payload: bytes


class FrameReader:
    """Cuts a byte stream into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes and yield the frames they complete. Raises ProtocolError."""
        self._buffer += data
        while len(self._buffer) >= 8:
            first, second = struct.unpack_from(">II", self._buffer)
            flags, length = second >> 24, second & 0xFFFFFF
            if length > MAX_FRAME:
                raise ProtocolError(f"a frame of {length} bytes")
            if len(self._buffer) < 8 + length:
                return
            payload = bytes(self._buffer[8 : 8 + length])
            del self._buffer[: 8 + length]
            yield _frame(first, flags, payload)


def _frame(first: int, flags: int, payload: bytes) -> Frame:
    if not first >> 31:
        return Frame(0, flags, first, payload)
    if (first >> 16) & 0x7FFF != VERSION:
        raise ProtocolError(f"version {(first >> 16) & 0x7FFF}")
    kind, stream = first & 0xFFFF, 0
    if kind in (SYN_STREAM, SYN_REPLY, RST_STREAM, HEADERS, WINDOW_UPDATE, PING):
        if len(payload) < 4:
            raise ProtocolError("a control frame that is cut short")
        stream = struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF
    return Frame(kind, flags, stream, payload)


def data_frame(stream: int, payload: bytes, *, fin: bool = False) -> bytes:
    """Encode a data frame."""
    return struct.pack(">II", stream, ((FIN if fin else 0) << 24) | len(payload)) + payload


def control_frame(kind: int, payload: bytes, *, flags: int = 0) -> bytes:
    """Encode a control frame."""
    return struct.pack(">HHI", 0x8000 | VERSION, kind, (flags << 24) | len(payload)) + payload


class HeaderCodec:
    """Compresses and expands the header blocks of one connection, which share one compression stream."""

    def __init__(self) -> None:
        self._compress = zlib.compressobj(zdict=DICTIONARY)
        self._expand = zlib.decompressobj(zdict=DICTIONARY)

    def encode(self, headers: Mapping[str, str]) -> bytes:
        """Return the compressed block of some headers."""
        block = struct.pack(">I", len(headers))
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                block += struct.pack(">I", len(text)) + text
        return self._compress.compress(block) + self._compress.flush(zlib.Z_SYNC_FLUSH)

    def decode(self, block: bytes) -> dict[str, str]:
        """Return the headers of a compressed block, names in lower case. Raises ProtocolError."""
        try:
            plain = self._expand.decompress(block, MAX_HEADERS)
        except zlib.error as error:
            raise ProtocolError(f"headers that cannot be expanded: {error}") from None
        if self._expand.unconsumed_tail:
            raise ProtocolError("headers that are too long")
        return dict(_pairs(plain))


def _pairs(plain: bytes) -> Iterator[tuple[str, str]]:
    texts, position = [], 4
    if len(plain) < 4:
        raise ProtocolError("a header block without a count")
    count = struct.unpack_from(">I", plain)[0]
    if count > len(plain):
        raise ProtocolError("a header block with a wrong count")
    for _ in range(2 * count):
        if position + 4 > len(plain):
            raise ProtocolError("a header block that is cut short")
        length = struct.unpack_from(">I", plain, position)[0]
        position += 4
        if position + length > len(plain):
            raise ProtocolError("a header block that is cut short")
        texts.append(plain[position : position + length].decode("utf-8", "replace"))
        position += length
    for name, value in zip(texts[::2], texts[1::2], strict=True):
        yield name.lower(), value.split("\0")[0]
