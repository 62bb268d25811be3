"""
Where a builder listens, and how it comes that only one does.

A Unix socket's path may have about 100 bytes; a runtime directory may have more, and then a private directory under the
system's temporary one stands in. A file lock on the directory is held only while a socket is claimed or given up, so
nothing is left behind that could go stale: a socket that nobody answers on is simply replaced.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, the final zero included.
_LONGEST_PATH = 103

# More workers than a node has cores may connect at once after a reload.
_BACKLOG = 512


def socket_path(runtime_directory: Path, digest: str) -> Path:
    """
    Where the builder of a supergraph listens; the directory is made if need be.

    It is one of our own inside the runtime directory, which may be a volume that others can write to.

    Args:
        runtime_directory: The plugin server's own directory.
        digest: Hexadecimal digest of what the builder is started with.
    """
    name = f"builder-{digest[:16]}.sock"
    directory = runtime_directory.absolute() / "builders"
    if len(os.fsencode(directory / name)) > _LONGEST_PATH:
        short = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
        directory = Path(tempfile.gettempdir()) / f"kgf-{os.geteuid()}-{short}"
    return private_directory(directory) / name


def private_directory(path: Path) -> Path:
    """
    A directory that only we can enter, made if it does not exist.

    Raises:
        PermissionError: It belongs to somebody else, or others may write into it.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat(follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise PermissionError(f"{path} is not a directory of our own")
    return path


def claim(path: Path) -> socket.socket | None:
    """
    Listen at a path, unless somebody already does.

    Returns:
        The listening socket, or None if another process listens.

    Raises:
        OSError: It cannot be listened there.
    """
    while True:
        private_directory(path.parent)
        # Who gave up the last socket of the directory has just removed it.
        with contextlib.suppress(FileNotFoundError), locked(path.parent):
            if _answers(path):
                return None
            path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                listener.bind(str(path))
            except OSError:
                listener.close()
                raise
            listener.listen(_BACKLOG)
            return listener


def give_up(path: Path, listener: socket.socket) -> None:
    """Stop listening, and remove the socket's file, and its directory with the last one; both may be gone already."""
    with contextlib.suppress(FileNotFoundError), locked(path.parent):
        # Nobody else can have claimed it: until here, connecting to it works.
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()
    listener.close()


def peer_process(descriptor: int) -> int | None:
    """The id of the process that listens at the other end of a connection; None where the system does not tell."""
    if sys.platform != "linux":
        return None
    # uvloop shows a socket that cannot be asked; a second descriptor of the same one can.
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    return pid


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Be the only process that does this with a directory; waits for the others."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
