"""
Kong's plugin protocol and one event of it.

The face is the codec: bytes in, messages out, for both ends of the socket. `pdk`, `event` and `runtime` bring the
gateway with them and `schema` is all that `dump` needs, so those are imported by their own names: Kong waits for
`dump` at every start.
"""

from kong_federation.kong.functions import FUNCTIONS, Codec, Signature
from kong_federation.kong.messages import (
    Answer,
    Call,
    CloseInstance,
    Done,
    HandleEvent,
    InstanceStarted,
    OtherCall,
    StartInstance,
    decode_answer,
    decode_call,
    encode_answer,
    encode_call,
    read_event,
)
from kong_federation.kong.records import Consumer, Credential, Exit, RawBody, Route, Service, Target, exit_frames
from kong_federation.kong.wire import FrameReader, ProtocolError, cut, frame

__all__ = [
    "FUNCTIONS",
    "Answer",
    "Call",
    "CloseInstance",
    "Codec",
    "Consumer",
    "Credential",
    "Done",
    "Exit",
    "FrameReader",
    "HandleEvent",
    "InstanceStarted",
    "OtherCall",
    "ProtocolError",
    "RawBody",
    "Route",
    "Service",
    "Signature",
    "StartInstance",
    "Target",
    "cut",
    "decode_answer",
    "decode_call",
    "encode_answer",
    "encode_call",
    "exit_frames",
    "frame",
    "read_event",
]
