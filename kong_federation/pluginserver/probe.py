"""One question to a plugin server, over its own socket, as Kong would ask it."""

from __future__ import annotations

import socket
from pathlib import Path

from kong_federation.kong import FrameReader, ProtocolError, decode_answer, encode_call, frame
from kong_federation.kong.messages import OtherCall

_PLUGIN_NAMES = 31  # a call that starts nothing and changes nothing
_SEQUENCE = 1


class ProbeError(Exception):
    """There is no healthy server; the text says why."""


def probe(path: Path, seconds: float) -> None:
    """
    Have one of the workers answer.

    Args:
        path: The socket.
        seconds: For the whole exchange; it may come before a worker that is stuck.

    Raises:
        ProbeError: None did.
    """
    reader = FrameReader()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(str(path))
            connection.sendall(frame(encode_call(OtherCall(_SEQUENCE, _PLUGIN_NAMES))))
            frames: list[bytes] = []
            while not frames:
                data = connection.recv(4096)
                if not data:
                    raise ProbeError(f"{path}: the server closed the connection")
                frames = reader.feed(data)
            answer = decode_answer(frames[0])
        except TimeoutError:
            raise ProbeError(f"{path}: no answer within {seconds:g} s") from None
        except OSError as error:
            raise ProbeError(f"{path}: {error.strerror or error}") from None
        except ProtocolError as error:
            raise ProbeError(f"{path}: something else answers there: {error}") from None
    if answer.sequence != _SEQUENCE:
        raise ProbeError(f"{path}: something else answers there")
