import asyncio
import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.apiserver import spdy_frames as frames
from simulator.apiserver.spdy import Session, Stream
from simulator.apiserver.spdy_frames import DICTIONARY, FrameReader, HeaderCodec, ProtocolError


def test_the_dictionary_is_that_of_the_protocol() -> None:
    """Every SPDY peer compresses with the same dictionary; this is its checksum."""
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


@given(st.lists(st.dictionaries(st.text("abcxyz", min_size=1), st.text("abc123 "), max_size=5), max_size=5))
def test_headers_survive_the_way(blocks: list[dict[str, str]]) -> None:
    """One side decodes what the other encodes, block after block of one stream."""
    sender, receiver = HeaderCodec(), HeaderCodec()
    for block in blocks:
        assert receiver.decode(sender.encode(block)) == block


@given(st.lists(st.binary(max_size=200)), st.integers(1, 50))
def test_frames_are_cut_whatever_pieces_they_come_in(payloads: list[bytes], size: int) -> None:
    """The reader finds the same frames however the transport cuts the bytes."""
    data = b"".join(frames.data_frame(1, payload) for payload in payloads)
    reader, found = FrameReader(), []
    for start in range(0, len(data), size):
        found += [frame.payload for frame in reader.feed(data[start : start + size])]
    assert found == payloads


@given(st.binary(max_size=400))
def test_a_session_takes_any_bytes_or_says_they_are_none_of_its_protocol(data: bytes) -> None:
    """Garbage ends a connection with ProtocolError and nothing else."""

    async def feed() -> None:
        Session(lambda sent: None).feed(data)

    with contextlib.suppress(ProtocolError):
        asyncio.run(feed())


def test_streams_carry_bytes_both_ways_and_end() -> None:
    """A client's stream reaches the server with its headers; each side reads what the other wrote, then the end."""

    async def talk() -> tuple[bytes, bytes]:
        opened: list[Stream] = []
        ends: dict[str, Session] = {}
        server = Session(lambda data: ends["client"].feed(data), opened.append)
        client = Session(server.feed, client=True)
        ends["client"] = client
        stream = client.open({"streamType": "data", "port": "15000"})
        (other,) = opened
        assert other.headers["streamtype"] == "data"
        stream.write(b"x" * 200_000)
        stream.finish()
        other.write(b"answer")
        other.finish()
        return await other.reader.read(), await stream.reader.read()

    came, answer = asyncio.run(talk())
    assert (len(came), answer) == (200_000, b"answer")


def test_pings_are_answered() -> None:
    """A client's ping comes back, an answer to one's own does not."""
    sent: list[bytes] = []
    session = Session(sent.append)
    ping = frames.control_frame(frames.PING, (1).to_bytes(4, "big"))
    session.feed(ping)
    session.feed(frames.control_frame(frames.PING, (2).to_bytes(4, "big")))
    assert sent == [ping]


def test_a_frame_too_large_is_refused() -> None:
    """A length that would fill the memory ends the connection."""
    with pytest.raises(ProtocolError):
        list(FrameReader().feed(b"\x00\x00\x00\x01\x00\xff\xff\xff"))
