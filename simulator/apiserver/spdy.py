"""A SPDY/3.1 connection: many streams of bytes over one transport.

It can be either side: a server answers the streams that its peer opens, a client opens them.
"""

import asyncio
import struct
from collections.abc import Callable, Mapping

from simulator.apiserver import spdy_frames as frames
from simulator.apiserver.spdy_frames import Frame, FrameReader, HeaderCodec, ProtocolError

MAX_STREAMS = 4096


class Stream:
    """One stream: received bytes are read from `reader`, bytes are sent with `write`."""

    def __init__(self, session: "Session", number: int, headers: Mapping[str, str]) -> None:
        self.number = number
        self.headers = headers
        self.reader = asyncio.StreamReader()
        self._session = session
        self._finished = False

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self._finished:
            return
        for start in range(0, len(data), frames.CHUNK):
            self._session.send(frames.data_frame(self.number, data[start : start + frames.CHUNK]))

    def finish(self) -> None:
        """Announce that no more bytes will be sent."""
        if not self._finished:
            self._finished = True
            self._session.send(frames.data_frame(self.number, b"", fin=True))

    def reset(self) -> None:
        """End the stream both ways."""
        if not self._finished:
            self._finished = True
            self._session.send(frames.control_frame(frames.RST_STREAM, struct.pack(">II", self.number, 5)))
        self.ended()

    def ended(self) -> None:
        """Note that the peer will send no more."""
        if not self.reader.at_eof():
            self.reader.feed_eof()


class Session:
    """The streams of one connection. `send` writes to the transport, `opened` takes each stream that the peer opens."""

    def __init__(
        self, send: Callable[[bytes], None], opened: Callable[[Stream], None] | None = None, *, client: bool = False
    ) -> None:
        self.send = send
        self._opened = opened
        self._frames = FrameReader()
        self._headers = HeaderCodec()
        self._streams: dict[int, Stream] = {}
        self._next = 1 if client else 2

    def feed(self, data: bytes) -> None:
        """Handle bytes from the transport. Raises ProtocolError."""
        for frame in self._frames.feed(data):
            self._take(frame)

    def open(self, headers: Mapping[str, str], *, fin: bool = False) -> Stream:
        """Open a stream; `fin` announces that nothing will be sent on it."""
        number, self._next = self._next, self._next + 2
        stream = self._streams[number] = Stream(self, number, headers)
        payload = struct.pack(">IIH", number, 0, 0) + self._headers.encode(headers)
        self.send(frames.control_frame(frames.SYN_STREAM, payload, flags=frames.FIN if fin else 0))
        return stream

    def close(self) -> None:
        """End all streams, once the transport is closed."""
        for stream in self._streams.values():
            stream.ended()

    def _take(self, frame: Frame) -> None:
        match frame.type:
            case 0:
                self._data(frame)
            case frames.SYN_STREAM:
                self._syn_stream(frame)
            case frames.SYN_REPLY | frames.HEADERS:
                self._headers.decode(frame.payload[4:])
                self._finish_if_last(frame)
            case frames.RST_STREAM:
                if stream := self._streams.pop(frame.stream, None):
                    stream.ended()
            case frames.PING:
                if frame.stream % 2 != self._next % 2:
                    self.send(frames.control_frame(frames.PING, frame.payload))

    def _data(self, frame: Frame) -> None:
        stream = self._streams.get(frame.stream)
        if stream is None:
            self.send(frames.control_frame(frames.RST_STREAM, struct.pack(">II", frame.stream, 2)))
            return
        if frame.payload and not stream.reader.at_eof():
            stream.reader.feed_data(frame.payload)
        self._finish_if_last(frame)

    def _finish_if_last(self, frame: Frame) -> None:
        stream = self._streams.get(frame.stream)
        if stream is not None and frame.flags & frames.FIN:
            stream.ended()

    def _syn_stream(self, frame: Frame) -> None:
        if len(frame.payload) < 10 or frame.stream in self._streams or len(self._streams) >= MAX_STREAMS:
            raise ProtocolError("a stream that cannot be opened")
        headers = self._headers.decode(frame.payload[10:])
        stream = self._streams[frame.stream] = Stream(self, frame.stream, headers)
        reply = struct.pack(">I", frame.stream) + self._headers.encode({})
        self.send(frames.control_frame(frames.SYN_REPLY, reply))
        self._finish_if_last(frame)
        if self._opened is not None:
            self._opened(stream)
