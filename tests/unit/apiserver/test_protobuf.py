import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.apiserver.protobuf import decode_body


def field(number: int, value: bytes | int) -> bytes:
    """Encode one field of the wire format."""
    if isinstance(value, int):
        return bytes([number << 3]) + varint(value)
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """Encode a number."""
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def body(version: str, kind: str, raw: bytes) -> bytes:
    """Return a body as kubectl sends it."""
    meta = field(1, version.encode()) + field(2, kind.encode())
    return b"k8s\0" + field(1, meta) + field(2, raw)


def test_a_review_is_read_as_kubectl_sends_it() -> None:
    """`kubectl auth can-i` asks in protobuf whatever the server prefers."""
    attributes = field(1, b"shop") + field(2, b"list") + field(5, b"pods")
    sent = body("authorization.k8s.io/v1", "SelfSubjectAccessReview", field(2, field(1, attributes)))
    assert decode_body(sent) == {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": "shop", "verb": "list", "resource": "pods"}},
    }


def test_maps_numbers_and_inlined_messages_become_json() -> None:
    """Maps of bytes, IntOrString, Quantity and inlined sources take the form that JSON has."""
    secret = field(1, field(1, b"s")) + field(2, field(1, b"key") + field(2, b"\x00\x01"))
    assert decode_body(body("v1", "Secret", secret))["data"] == {"key": "AAE="}
    port = field(3, 80) + field(4, field(1, 1) + field(3, b"http"))
    service = decode_body(body("v1", "Service", field(2, field(1, port))))
    assert service["spec"]["ports"] == [{"port": 80, "targetPort": "http"}]
    volume = field(1, b"data") + field(2, field(2, field(1, b"medium")))
    pod = decode_body(body("v1", "Pod", field(2, field(1, volume))))
    assert pod["spec"]["volumes"] == [{"name": "data", "emptyDir": {"medium": "medium"}}]


@pytest.mark.parametrize("sent", [b"", b"{}", body("example.com/v1", "Unknown", b""), body("v1", "Pod", b"\x0a\xff")])
def test_what_is_no_known_message_is_refused(sent: bytes) -> None:
    """Other bodies, unknown kinds and broken messages are errors of the request."""
    with pytest.raises(ValueError, match=r"."):
        decode_body(sent)


@given(st.binary(max_size=300))
def test_garbage_is_read_or_refused(data: bytes) -> None:
    """No bytes make the reader fail in any other way."""
    with contextlib.suppress(ValueError, struct.error):
        decode_body(body("v1", "Pod", data))
