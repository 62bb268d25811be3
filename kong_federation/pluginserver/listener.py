"""
The Unix socket that Kong connects to.

It is bound under another name and then renamed into place, so that whoever finds it finds it listening and with its
mode and owner set, and so that taking it over from a running server (`kong reload` starts the new server while the old
one still serves) leaves no moment without one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from kong_federation.pluginserver.processes import name, runs

# A full backlog refuses connections at once, and every answered event costs Kong a new one.
BACKLOG = 4096

ORPHAN = "kgf-orphan"
"""The name, for the system, of a worker whose supervisor is gone."""

_LONGEST = 107  # bytes of a path in sockaddr_un on Linux, without the final zero; macOS has four fewer


class ListenError(Exception):
    """The socket cannot be served; the text says what to do."""


@dataclass(frozen=True, slots=True)
class SocketOptions:
    """
    Where and how to listen.

    Args:
        path: The socket.
        mode: Permissions; Kong needs to write.
        owner: `user`, `user:group` or `:group`; None: as the process.
        replace: Whether the socket may be taken from a server that is alive.
    """

    path: Path
    mode: int = 0o660
    owner: str | None = None
    replace: bool = False


class Door:
    """
    The socket, as long as it is ours.

    Args:
        options: Where and how to listen.

    Raises:
        ListenError: The path is too long, its directory is missing or not writable, a server is alive there, or the
            owner cannot be set.
    """

    def __init__(self, options: SocketOptions) -> None:
        self.predecessor = check(options).process
        self._options = options
        self.listening = _listen(options)
        self.opened = time.time()
        self._known = _identity(options.path)

    def __repr__(self) -> str:
        return f"<Door {self._options.path}>"

    @property
    def ours(self) -> bool:
        """Whether those who look for the path's name find this socket."""
        return _identity(self._options.path) == self._known

    @property
    def gone(self) -> bool:
        """Whether nobody finds anything there; somebody may have tidied up too well."""
        return _identity(self._options.path) is None

    def reopen(self) -> Door:
        """
        Another door at the same place; this one leads to who has it open.

        Raises:
            ListenError: As for a new one.
        """
        return Door(replace(self._options, replace=False))

    def sign(self) -> None:
        """
        Have this process named to whoever asks who listens.

        Each process that begins to listen is named, so workers take the supervisor's place whenever one starts.
        """
        self.listening.listen(BACKLOG)

    def hide(self) -> None:
        """Take the name away, unless another server has it: nobody new comes, and who knocked is let in."""
        if self.ours:
            with contextlib.suppress(OSError):
                self._options.path.unlink()

    def close(self) -> None:
        """Stop listening; who is not let in by then is refused."""
        self.listening.close()


def _listen(options: SocketOptions) -> socket.socket:
    path = options.path
    temporary = path.with_name(f".{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(temporary))
        temporary.chmod(options.mode)
        _give_to(temporary, options.owner)
        listening.listen(BACKLOG)
        listening.setblocking(False)
        temporary.replace(path)
    except (OSError, LookupError) as error:
        listening.close()
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise ListenError(f"cannot listen on {path}: {error}") from error
    return listening


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells this socket file from another of the same name; None: there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    # While a socket is open, no other file gets its inode's number.
    return found.st_dev, found.st_ino


@dataclass(frozen=True, slots=True)
class Occupant:
    """
    Who is found at a socket.

    Args:
        answers: Whether somebody is there.
        rules: Whether it is a server that must be asked to go, and not what a killed one has left.
        process: The id of one of its processes, if it can be known.
    """

    answers: bool = False
    rules: bool = False
    process: int | None = None


def check(options: SocketOptions) -> Occupant:
    """
    Whether a door could be opened, without opening it.

    Returns:
        Whose place would be taken.

    Raises:
        ListenError: As for a door.
    """
    path = options.path
    length = len(os.fsencode(path))
    if length > _LONGEST:
        raise ListenError(f"the socket's path is too long: {length} bytes, at most {_LONGEST} are possible: {path}")
    if not path.parent.is_dir():
        raise ListenError(f"the socket's directory does not exist: {path.parent}")
    if not path.exists():
        return Occupant()
    if not path.is_socket():
        raise ListenError(f"there is a file that is not a socket: {path}")
    occupant = _who_listens(path)
    if occupant.rules and not options.replace:
        raise ListenError(f"another server listens on {path}; stop it, or take the socket over with --replace")
    return occupant


def _who_listens(path: Path) -> Occupant:
    """
    Who is found at a socket.

    The workers of a server that was killed go on for a while, so that nothing is lost until the next one comes. They
    are no server.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return Occupant()
        except OSError:  # a full backlog, or a socket that is not for us to write to: somebody may listen
            return Occupant(answers=True, rules=True)
        process = _peer(probe)
    return Occupant(answers=True, rules=process is None or (runs(process) and name(process) != ORPHAN), process=process)


def _peer(connection: socket.socket) -> int | None:
    if sys.platform != "linux":
        return None
    pid: int = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    return pid or None  # 0: it lives in another container


def _give_to(path: Path, owner: str | None) -> None:
    if owner is None:
        return
    user, _, group = owner.partition(":")
    if user:
        shutil.chown(path, _name_or_id(user))
    if group:
        shutil.chown(path, group=_name_or_id(group))


def _name_or_id(name: str) -> str | int:
    return int(name) if name.isdigit() else name
