"""
Plugin instances, shared by the worker processes through files.

Kong starts an instance over one connection and sends its events over others, which reach any worker. So an instance is
a file in the runtime directory, and what a worker does not remember it looks up there:

    instances/<id>                the digest of the configuration
    configurations/<digest>.json  the configuration without Kong's own keys; it may hold secrets, hence 0600

- Ids come from a random place below 2^31 (Kong keeps them as int32) and are claimed by creating the file exclusively,
  so neither two workers nor a restarted server ever give one id to two configurations: Kong remembers ids longer than a
  server lives.
- Kong is told an id only after both files are whole, so nobody reads half of one.
- Kong forgets instances without closing them, so files expire. Using an instance renews its files, at most once an
  hour; one that expired in use costs Kong a new start and nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kong_federation.gateway import private_directory

_log = logging.getLogger(__name__)

_KONG_KEYS = frozenset({"route_id", "service_id", "consumer_id", "plugin_instance_name", "$refs"})
_MOST_ID = 2**31 - 1
_ATTEMPTS = 100  # ids tried; each collides with a probability of (live instances / 2^31)

LIFETIME = 24 * 3600.0  # seconds without use
RENEWAL = 3600.0  # seconds between two renewals by one worker


@dataclass(frozen=True, slots=True)
class Configuration:
    """
    What an instance is configured with.

    Args:
        digest: SHA-256 of the content, hexadecimal.
        content: The plugin's own keys as JSON, sorted.
    """

    digest: str
    content: bytes

    def values(self) -> dict[str, Any]:
        """The configuration as Kong meant it."""
        values: dict[str, Any] = orjson.loads(self.content)
        return values


def read_configuration(sent: bytes) -> Configuration:
    """
    Take Kong's own keys off a configuration, which differ between instances of the same configuration.

    Args:
        sent: JSON, as it came with the start of an instance.

    Raises:
        ValueError: It is not a JSON object.
    """
    values = orjson.loads(sent)
    if not isinstance(values, Mapping):
        raise ValueError("the configuration is not a JSON object")  # noqa: TRY004 - malformed input, not a wrong call
    own = {name: value for name, value in values.items() if not name.startswith("__") and name not in _KONG_KEYS}
    content = orjson.dumps(own, option=orjson.OPT_SORT_KEYS)
    return Configuration(hashlib.sha256(content).hexdigest(), content)


class InstanceFiles:
    """
    The instances that the workers of one server share.

    Args:
        directory: The runtime directory; made if it is missing.

    Raises:
        OSError: The directory cannot be made or written, or somebody else could put other configurations there.
    """

    def __init__(self, directory: Path) -> None:
        self._instances = directory / "instances"
        self._configurations = directory / "configurations"
        if directory.exists() and not directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "the runtime directory is no directory", str(directory))
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It may be a volume that root has made for everybody; an owner could put another folder in the place of ours.
        if (owner := directory.stat().st_uid) not in {0, os.geteuid()}:
            raise PermissionError(errno.EPERM, f"it belongs to another user ({owner})", str(directory))
        if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "this user cannot write to it", str(directory))
        for folder in (self._instances, self._configurations):
            private_directory(folder)
        self._next = secrets.randbelow(_MOST_ID)

    def start(self, configuration: Configuration) -> int:
        """
        Give a configuration an id.

        Raises:
            OSError: The files cannot be written.
        """
        self._share(configuration)
        for _ in range(_ATTEMPTS):
            instance = self._next + 1
            self._next = instance % _MOST_ID
            try:
                descriptor = os.open(self._instances / str(instance), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                self._next = secrets.randbelow(_MOST_ID)
                continue
            with os.fdopen(descriptor, "w") as file:
                file.write(configuration.digest)
            return instance
        raise OSError("no free instance id was found")

    def find(self, instance: int) -> Configuration | None:
        """What an instance was started with; None: nobody started it, or it expired."""
        try:
            digest = (self._instances / str(instance)).read_text()
            content = (self._configurations / f"{digest}.json").read_bytes()
        except (OSError, ValueError):
            return None
        if hashlib.sha256(content).hexdigest() != digest:
            _log.warning("the file of configuration %s is damaged; it is not used", digest)
            return None
        return Configuration(digest, content)

    def close(self, instance: int) -> None:
        """Forget an instance; its configuration expires by itself, others may share it."""
        with contextlib.suppress(OSError):
            (self._instances / str(instance)).unlink()

    def renew(self, instance: int, digest: str) -> None:
        """Put off the end of an instance that is in use."""
        with contextlib.suppress(OSError):
            os.utime(self._instances / str(instance))
            os.utime(self._configurations / f"{digest}.json")

    def expire(self, lifetime: float = LIFETIME) -> int:
        """
        Remove what has not been used for this many seconds.

        Returns:
            How many files were removed.
        """
        oldest = time.time() - lifetime
        removed = 0
        for folder in (self._instances, self._configurations):
            with os.scandir(folder) as entries:
                for entry in entries:
                    # Another worker may be doing the same.
                    with contextlib.suppress(OSError):
                        if entry.stat().st_mtime < oldest:
                            os.unlink(entry.path)  # noqa: PTH108 - thousands of entries, no Path for each
                            removed += 1
        return removed

    def _share(self, configuration: Configuration) -> None:
        path = self._configurations / f"{configuration.digest}.json"
        with contextlib.suppress(FileNotFoundError):
            # After a loss of power a file may be there without its content.
            if path.read_bytes() == configuration.content:
                os.utime(path)
                return
        partial = path.with_suffix(f".{os.getpid()}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(configuration.content)
        partial.replace(path)
