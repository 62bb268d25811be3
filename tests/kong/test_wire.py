import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.kong import FrameReader, ProtocolError, frame

from .recorded import CONNECTIONS


def test_a_frame_is_its_length_and_its_bytes():
    assert frame(b"abc") == b"\x03\x00\x00\x00abc"
    assert frame(b"") == bytes(4)


@pytest.mark.parametrize("sender", ["kong", "server"])
def test_a_recorded_stream_gives_the_same_frames_wherever_it_is_cut(sender):
    contents = [recorded.content for recorded in CONNECTIONS[0].sent_by(sender)]
    stream = b"".join(map(frame, contents))
    for cut in range(len(stream) + 1):
        reader = FrameReader()
        assert reader.feed(stream[:cut]) + reader.feed(stream[cut:]) == contents
    reader = FrameReader()
    assert [content for byte in stream for content in reader.feed(bytes((byte,)))] == contents


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(1, 30)))
def test_any_frames_in_any_pieces(contents, pieces):
    stream = b"".join(map(frame, contents))
    reader = FrameReader()
    found = []
    at = 0
    for size in [*pieces, len(stream)]:
        found += reader.feed(stream[at : at + size])
        at += size
    assert found == contents


def test_a_frame_above_the_maximum_is_refused_before_it_has_arrived():
    with pytest.raises(ProtocolError, match="11 bytes, at most 10"):
        FrameReader(10).feed(struct.pack("<I", 11))
    assert FrameReader(10).feed(frame(b"x" * 10)) == [b"x" * 10]


def test_the_maximum_holds_also_for_a_head_that_arrives_in_pieces():
    reader = FrameReader(10)
    reader.feed(b"\xff")
    with pytest.raises(ProtocolError):
        reader.feed(b"\xff\xff\xff")
