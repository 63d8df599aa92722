"""The handshake's proof, the Close frame, and where frames end, however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.websocket import FrameTracker, accept_value, close_frame, field_value


def frame(payload: bytes, *, opcode: int = 2, fin: bool = True, mask: bytes | None = None) -> bytes:
    """One frame, its length in the shortest form."""
    size, flag = len(payload), 0x80 if mask is not None else 0
    if size < 126:
        length = bytes([flag | size])
    elif size < 2**16:
        length = bytes([flag | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([flag | 127]) + size.to_bytes(8, "big")
    return bytes([(0x80 if fin else 0) | opcode]) + length + (mask or b"") + payload


FRAMES = st.builds(
    frame,
    st.sampled_from([0, 1, 5, 125, 126, 127, 300, 65535, 65536, 70_000]).map(bytes),
    opcode=st.sampled_from([0, 1, 2, 8, 9, 10]),
    fin=st.booleans(),
    mask=st.none() | st.binary(min_size=4, max_size=4),
)


def test_the_proof_is_that_of_the_standards_example() -> None:
    assert accept_value(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    "key", [b"", b"dGhlIHNhbXBsZSBub25jZQ", b"dGhlIHNhbXBsZSBub25jZQ=== ", b"*" * 22 + b"==", b"a" * 24]
)
def test_what_is_no_key_has_no_proof(key: bytes) -> None:
    assert accept_value(key) is None


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([b"A: 1", b"Sec-WebSocket-Key: k"], b"k"),
        ([b"sec-websocket-KEY: k"], b"k"),
        ([b"Sec-WebSocket-Key: "], b""),
        ([b"Sec-WebSocket-Key: a: b"], b"a: b"),
        ([b"X-Sec-WebSocket-Key: k"], None),
        ([b"Sec-WebSocket-Key: k", b"sec-websocket-key: k"], None),
        ([], None),
    ],
)
def test_a_value_counts_only_if_it_stands_once(lines: list[bytes], value: bytes | None) -> None:
    assert field_value(lines, b"sec-websocket-key") == value


def test_a_close_frame_says_code_and_reason() -> None:
    assert close_frame(1008, "token_revoked") == b"\x88\x0f\x03\xf0token_revoked"
    assert close_frame(1001, "") == b"\x88\x02\x03\xe9"


def test_a_clients_close_frame_is_masked() -> None:
    masked = close_frame(1008, "bye", mask=b"\x01\x02\x03\x04")
    assert masked[:6] == b"\x88\x85\x01\x02\x03\x04"
    assert bytes(byte ^ b"\x01\x02\x03\x04"[at % 4] for at, byte in enumerate(masked[6:])) == b"\x03\xf0bye"


@given(frames=st.lists(FRAMES, min_size=1, max_size=4), data=st.data())
def test_a_boundary_is_found_exactly_where_a_frame_ends_however_the_bytes_are_cut(
    frames: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(frames)
    ends = {0}
    for one in frames:
        ends.add(max(ends) + len(one))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=12)) | {len(stream)})
    tracker, at = FrameTracker(), 0
    for cut in cuts:
        assert tracker.feed(stream[at:cut]) == cut - at
        assert tracker.at_boundary is (cut in ends)
        at = cut


@given(frames=st.lists(FRAMES, min_size=1, max_size=3), data=st.data())
def test_asked_for_the_boundary_it_takes_the_frame_under_way_and_no_more(
    frames: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(frames)
    begun = data.draw(st.integers(1, len(frames[0]) - 1)) if len(frames[0]) > 1 else 1
    tracker = FrameTracker()
    tracker.feed(stream[:begun])
    assert begun + tracker.feed(stream[begun:], to_boundary=True) == len(frames[0])
    assert tracker.at_boundary


def test_a_length_of_64_bits_does_not_cost_memory() -> None:
    tracker = FrameTracker()
    tracker.feed(b"\x82\x7f" + b"\x7f" + b"\xff" * 7 + bytes(1000))
    assert not tracker.at_boundary
