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
from dataclasses import dataclass
from pathlib import Path

# A full backlog refuses connections at once, and every answered event costs Kong a new one.
BACKLOG = 4096

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


def listen(options: SocketOptions) -> socket.socket:
    """
    Bind the socket and listen.

    Raises:
        ListenError: The path is too long, its directory is missing or not writable, a server is alive there, or the
            owner cannot be set.
    """
    path = options.path
    _check(options)
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


def identity(path: Path) -> tuple[int, int] | None:
    """What tells this socket file from another of the same name; None: there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def remove(path: Path, known: tuple[int, int] | None) -> None:
    """Take the socket's name away, unless another server has it by now."""
    if known is not None and identity(path) == known:
        with contextlib.suppress(OSError):
            path.unlink()


def _check(options: SocketOptions) -> None:
    path = options.path
    length = len(os.fsencode(path))
    if length > _LONGEST:
        raise ListenError(f"the socket's path is too long: {length} bytes, at most {_LONGEST} are possible: {path}")
    if not path.parent.is_dir():
        raise ListenError(f"the socket's directory does not exist: {path.parent}")
    if not path.exists():
        return
    if not path.is_socket():
        raise ListenError(f"there is a file that is not a socket: {path}")
    if not options.replace and _is_alive(path):
        raise ListenError(f"another server listens on {path}; stop it, or take the socket over with --replace")


def _is_alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # a full backlog, or a socket that is not for us to write to: somebody may listen
            return True
        return True


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
