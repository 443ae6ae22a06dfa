"""Who works on a folder: the kernel keeps the lock, so that no crash can leave one behind."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from services.platform.supervision.errors import FolderInUse, FolderNotOurs

NOTE_BYTES_MAX = 4096


class FolderLock:
    """An exclusive claim on a folder until released or until this process ends. Children do not inherit it."""

    def __init__(self, folder: Path, *, name: str = "owner.lock") -> None:
        self._path = folder / name
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            FolderInUse: another process holds it.
            FolderNotOurs: the folder can't be written.
        """
        if self._descriptor is not None:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise FolderNotOurs(folder=str(self._path.parent), reason=error.strerror or "unknown") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            note = _note(descriptor)
            os.close(descriptor)
            raise FolderInUse(folder=str(self._path.parent), pid=note.pid, address=note.address) from error
        self._descriptor = descriptor
        self.announce(None)

    def announce(self, address: str | None) -> None:
        """Write down who we are and where we answer, for whom the lock refuses."""
        assert self._descriptor is not None, "an address is announced under the lock"
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps({"pid": os.getpid(), "address": address}).encode(), 0)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@dataclass(frozen=True, slots=True)
class _Note:
    pid: int | None = None
    address: str | None = None


def _note(descriptor: int) -> _Note:
    try:
        return _Note(**json.loads(os.pread(descriptor, NOTE_BYTES_MAX, 0)))
    except (ValueError, TypeError):
        return _Note()  # its owner is writing it just now
