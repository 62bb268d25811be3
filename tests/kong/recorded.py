"""The recorded exchanges as objects: who sent what, and what each frame is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from kong_federation.kong import HandleEvent, decode_call


@dataclass(frozen=True)
class Recorded:
    """One frame; `kind` is call, function, argument, result, over or answer."""

    sender: str
    content: bytes
    kind: str
    function: str = ""


@dataclass(frozen=True)
class Connection:
    case: str
    number: int
    frames: tuple[Recorded, ...]

    def sent_by(self, sender: str) -> list[Recorded]:
        return [frame for frame in self.frames if frame.sender == sender]


def _name(frames: list[dict[str, str]], case: str, number: int) -> Connection:
    named: list[Recorded] = []
    in_event = False
    expected = "answer"
    function = ""
    waiting: list[str] = []
    for entry in frames:
        if "hex" not in entry:
            continue
        content = bytes.fromhex(entry["hex"])
        if entry["from"] == "kong":
            if waiting:
                named.append(Recorded("kong", content, "result", waiting.pop(0)))
            else:
                in_event = isinstance(decode_call(content), HandleEvent)
                expected = "function" if in_event else "answer"
                named.append(Recorded("kong", content, "call"))
        elif expected == "function" and content:
            function = content.decode()
            named.append(Recorded("server", content, "function", function))
            expected = "argument"
        elif expected == "argument":
            named.append(Recorded("server", content, "argument", function))
            waiting.append(function)
            expected = "function"
        elif expected == "function":
            named.append(Recorded("server", content, "over"))
            expected = "answer"
        else:
            named.append(Recorded("server", content, "answer"))
    return Connection(case, number, tuple(named))


def connections() -> list[Connection]:
    cases = json.loads(Path(__file__).with_name("transcripts.json").read_text())
    return [
        _name(connection["frames"], case["case"], connection["connection"])
        for case in cases
        for connection in case["connections"]
    ]


CONNECTIONS = connections()
FRAMES = [frame for connection in CONNECTIONS for frame in connection.frames]
