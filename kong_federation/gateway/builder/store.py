"""
The plans of a node on its disk: one SQLite file, shared by all builders of a directory, there after a restart.

It is a cache and nothing more. A row is believed only if its checksum is right and the plan's own codec reads it; a
file only if it is ours (owner, mode, application id, the very schema). What is not is set aside, so an error here never
costs more than planning anew.

**What is worth keeping.** A row's score is the logarithm of how often its plan was used, each use weighing half of one
a day later:

    score = log2( sum over uses of 2^(t / day) )

It is changed only when the plan is used, and can be compared at any time: the passing of time lowers all alike. So one
number says what is used most (to be warmed first) and what is used least (to be given up first), and a flood of
operations that are asked once pushes out other rare ones, not those that are asked all the time.

**Who may use the file.** Several processes at once, in WAL mode. Nothing is ever written through to the disk on
purpose: after a power failure the file may be damaged, and then it is noticed. Everybody who has it open holds a shared
lock on a file beside it, and only who has it alone may set it aside; another version of this code has another name for
it, so that two versions can run side by side.

**Bounds.** SQLite itself keeps the file below its size (`max_page_count`); before it is full the lowest scores go.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import math
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from kong_federation.gateway.messages import unpack_operation
from kong_federation.gateway.sockets import locked, private_directory
from kong_federation.plan import VERSION, PlanFormatError, decode_plan

_SCHEMA_VERSION = 1
FILE_NAME = f"plans-{_SCHEMA_VERSION}.{VERSION}.sqlite"
"""Its name; a new version of the schema or of the plans' codec is another file."""

_APPLICATION = 0x4B474650  # "KGFP"

_TABLE = (
    "CREATE TABLE plan (space BLOB NOT NULL, digest BLOB NOT NULL, operation BLOB NOT NULL, content BLOB NOT NULL, "
    "checksum BLOB NOT NULL, score REAL NOT NULL, PRIMARY KEY (space, digest))"
)
_SCHEMA = (
    _TABLE,
    "CREATE INDEX plan_by_score ON plan (score)",
    "CREATE INDEX plan_by_space ON plan (space, score)",
)

_INSERT = "INSERT OR REPLACE INTO plan VALUES (?, ?, ?, ?, ?, ?)"

# Others hold the file for a transaction of a few milliseconds at most.
_BUSY_SECONDS = 0.1

# Seconds in which a use loses half of its weight: what is used daily stays, what was used a week ago counts nothing.
_HALF_LIFE = 86_400.0

# The logarithm of the largest count that is told.
_MOST_USES = 40.0

# Room is made in steps, so that no transaction is long, down to this share of the size, so that it is not made often.
_ROWS_PER_STEP = 64
_LOW_SHARE = 0.9

# A plan that is larger than this share of the file would push out too many others.
_LARGEST_SHARE = 1 / 8

# What is left of another version's file is removed when nobody has it open and nobody wrote to it for so long: whoever
# goes back to the version before finds its plans.
_OLD_SECONDS = 7 * 86_400.0

# Bytes in which the log beside the file is kept between checkpoints.
_LOG_BYTES = 4 * 1024 * 1024

# How these errors differ from damage: they pass, and the file is all right.
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)


class NotOursError(Exception):
    """The file is something else than a store of ours."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is not what it should be; the others pass."""
    code = _code(error)
    return code is not None and code not in _PASSING


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code; None: the error is not SQLite's."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


class PlanStore:
    """
    An open store.

    Every method may raise `sqlite3.Error`; nothing is lost by it but the answer.

    Args:
        directory: Where the file is; made if it is missing.
        max_bytes: Its size.
        space: What tells the plans of one supergraph and planner from those of others.

    Raises:
        OSError: The directory cannot be used, or the file is damaged and others have it open.
        sqlite3.Error: The file cannot be opened at the moment.
    """

    def __init__(self, directory: Path, max_bytes: int, space: bytes) -> None:
        self._space = space
        self._file = private_directory(directory) / FILE_NAME
        self._max_bytes = max_bytes
        with locked(directory):
            self._users = _open_users(self._file)
            try:
                self._connection = self._open()
            except BaseException:
                os.close(self._users)
                raise
            _remove_old(directory)

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        os.close(self._users)

    def discard(self) -> None:
        """
        Close it, and set the file aside: it is damaged.

        Raises:
            OSError: Others have it open.
        """
        try:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            with locked(self._file.parent):
                _set_aside(self._file, self._users)
        finally:
            os.close(self._users)

    # --- Plans ---

    def find(self, digest: bytes) -> bytes | None:
        """
        The plan of an operation, encoded.

        Args:
            digest: What `plan_digest` gave.
        """
        asked = "SELECT operation, content, checksum FROM plan WHERE space = ? AND digest = ?"
        row = self._connection.execute(asked, (self._space, digest)).fetchone()
        if row is None:
            return None
        operation, content, checksum = row
        if _is_sound(self._space, digest, operation, content, checksum):
            return bytes(content)
        self._connection.execute("DELETE FROM plan WHERE space = ? AND digest = ?", (self._space, digest))
        return None

    def keep(self, digest: bytes, operation: bytes, content: bytes) -> None:
        """
        Keep a plan.

        Args:
            digest: What `plan_digest` gave.
            operation: What `pack_operation` gave.
            content: The plan, encoded.
        """
        size = len(operation) + len(content)
        if size > self._max_bytes * _LARGEST_SHARE:
            return
        self._make_room(size)
        checksum = _checksum(self._space, digest, operation, content)
        row = (self._space, digest, operation, content, checksum, _score(1, time.time()))
        try:
            self._connection.execute(_INSERT, row)
        except sqlite3.Error as error:
            if _code(error) != sqlite3.SQLITE_FULL:
                raise
            self._give_up_some()
            self._connection.execute(_INSERT, row)

    def count(self, uses: Iterable[tuple[bytes, int]]) -> None:
        """
        Remember that plans were used.

        Args:
            uses: Digests, and how often since the last time.
        """
        now = time.time()
        added = [(_score(count, now), self._space, digest) for digest, count in uses if count > 0]
        with self._transaction():
            self._connection.executemany(
                "UPDATE plan SET score = score_of_both(score, ?) WHERE space = ? AND digest = ?", added
            )

    def popular(self, most: int, most_bytes: int) -> list[tuple[bytes, int]]:
        """
        The operations that are used most, the most used first.

        If this supergraph is unknown here, those of others: it may have followed one of them while nobody was there to
        see it.

        Args:
            most: How many at most.
            most_bytes: How many bytes at most, together.

        Returns:
            What `keep` was given, each once, and what its uses weigh today.
        """
        own = "SELECT operation, score FROM plan WHERE space = ? ORDER BY score DESC LIMIT ?"
        others = "SELECT operation, score FROM plan WHERE ? IS NOT NULL ORDER BY score DESC LIMIT ?"
        known = self._connection.execute("SELECT 1 FROM plan WHERE space = ? LIMIT 1", (self._space,)).fetchone()
        now = time.time()
        found: dict[bytes, int] = {}
        size = 0
        for operation, score in self._connection.execute(own if known else others, (self._space, most)):
            if operation in found or not _is_operation(operation):
                continue
            size += len(operation)
            if size > most_bytes:
                break
            found[operation] = _uses(score, now)
        return list(found.items())

    def used_bytes(self) -> int:
        """Bytes of the file that hold something."""
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        return pages * self._pragma("page_size")

    def _make_room(self, size: int) -> None:
        # Indices and pages that are not full need room, too.
        if self.used_bytes() + 2 * size + 16 * self._pragma("page_size") <= self._max_bytes:
            return
        while self.used_bytes() + 2 * size > self._max_bytes * _LOW_SHARE:
            if not self._give_up_some():
                return

    def _give_up_some(self) -> bool:
        lowest = "DELETE FROM plan WHERE rowid IN (SELECT rowid FROM plan ORDER BY score LIMIT ?)"
        return self._connection.execute(lowest, (_ROWS_PER_STEP,)).rowcount > 0

    # --- The file ---

    def _open(self) -> sqlite3.Connection:
        for _ in range(2):
            try:
                return self._connect()
            except NotOursError:
                _set_aside(self._file, self._users)
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                _set_aside(self._file, self._users)
        raise OSError(f"{self._file} cannot be made")

    def _connect(self) -> sqlite3.Connection:
        _make_private(self._file)
        connection = sqlite3.connect(self._file, timeout=_BUSY_SECONDS, isolation_level=None)
        self._connection = connection
        try:
            # What is damaged need not be UTF-8.
            connection.text_factory = bytes
            connection.create_function("score_of_both", 2, _score_of_both, deterministic=True)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
            self._check_or_make_schema()
            self._shrink()
            connection.execute(f"PRAGMA max_page_count = {self._max_bytes // self._pragma('page_size')}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_or_make_schema(self) -> None:
        texts = self._connection.execute("SELECT sql FROM sqlite_schema").fetchall()
        schema = sorted(text for (text,) in texts if text is not None)
        marks = (self._pragma("application_id"), self._pragma("user_version"))
        if schema == sorted(statement.encode() for statement in _SCHEMA) and marks == (_APPLICATION, _SCHEMA_VERSION):
            return
        if schema or marks != (0, 0):
            raise NotOursError
        with self._transaction():
            for statement in _SCHEMA:
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def _shrink(self) -> None:
        """Bring a file down to its size, which may have been larger when it was last open."""
        if self._pragma("page_count") * self._pragma("page_size") <= self._max_bytes:
            return
        while self.used_bytes() > self._max_bytes * _LOW_SHARE and self._give_up_some():
            pass
        # A plain `execute` takes one step of it, which frees one page.
        self._connection.executescript("PRAGMA incremental_vacuum")

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


# --- Scores ---


def _score(uses: int, now: float) -> float:
    return math.log2(uses) + now / _HALF_LIFE


def _uses(score: float, now: float) -> int:
    # A score of the future is one of a clock that went wrong.
    return round(math.exp2(min(score - now / _HALF_LIFE, _MOST_USES)))


def _score_of_both(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return high + math.log2(1 + 2.0 ** (low - high))


# --- Rows ---


def _checksum(space: bytes, digest: bytes, operation: bytes, content: bytes) -> bytes:
    sums = hashlib.blake2b(digest_size=16)
    for part in (space, digest, operation, content):
        sums.update(len(part).to_bytes(8, "big"))
        sums.update(part)
    return sums.digest()


def _is_sound(space: bytes, digest: bytes, operation: Any, content: Any, checksum: Any) -> bool:
    # A column of SQLite holds values of any type.
    if not isinstance(operation, bytes) or not isinstance(content, bytes):
        return False
    if checksum != _checksum(space, digest, operation, content):
        return False
    try:
        decode_plan(content)
    except PlanFormatError:
        return False
    return True


def _is_operation(content: Any) -> bool:
    try:
        unpack_operation(content)
    except ValueError:
        return False
    return True


# --- Files ---


def _open_users(file: Path) -> int:
    """
    Be one of those who have the file open.

    Returns:
        A descriptor whose shared lock says so.
    """
    users = os.open(f"{file}.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BaseException:
        os.close(users)
        raise
    return users


def _make_private(file: Path) -> None:
    """
    Make the file for its owner only, if it does not exist.

    Raises:
        NotOursError: It exists, and somebody else owns it or may read it, or it is no file.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    found = file.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise NotOursError


def _set_aside(file: Path, users: int) -> None:
    """
    Give the file another name, of which only the last is kept.

    Args:
        file: It is damaged or not ours.
        users: What `_open_users` gave.

    Raises:
        OSError: Others have it open, who will find the same.
    """
    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        with contextlib.suppress(FileNotFoundError):
            file.rename(f"{file}.rejected")
        for log in ("-wal", "-shm"):
            Path(f"{file}{log}").unlink(missing_ok=True)
    finally:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _remove_old(directory: Path, now: Callable[[], float] = time.time) -> None:
    """Remove the files of other versions that nobody has open and nobody wrote to for long."""
    for file in directory.glob("plans-*.sqlite"):
        with contextlib.suppress(OSError):
            log = Path(f"{file}-wal")
            written = max(one.lstat().st_mtime for one in (file, log) if one.exists())
            if file.name == FILE_NAME or now() - written < _OLD_SECONDS:
                continue
            users = _open_users(file)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for name in ("", "-wal", "-shm", ".rejected", ".users"):
                    Path(f"{file}{name}").unlink(missing_ok=True)
            finally:
                os.close(users)
