"""The file of a backup: a ZIP with one member for each table, and the manifest as its last."""

import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from services.platform.backup.domain import Manifest, Tally, manifest_of
from services.platform.backup.errors import BackupUnreadable

MANIFEST = "manifest.json"
CHUNK_BYTES = 1 << 16


class BackupWriter:
    """Takes tables one after the other."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, member: str, data: Iterable[bytes]) -> Tally:
        """Write a member; what was counted and hashed on the way."""
        tally = Tally()
        with self._archive.open(member, "w", force_zip64=True) as file:
            for chunk in data:
                tally.add(chunk)
                file.write(chunk)
        return tally

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, without which the file is no backup."""
        self._archive.writestr(MANIFEST, json.dumps(manifest.content(), ensure_ascii=False, indent=1))


class BackupReader:
    """Gives the tables of a backup."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive = archive
        self.manifest = manifest

    def rows(self, member: str) -> Iterator[bytes]:
        """A member in pieces."""
        with self._archive.open(member) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


@contextmanager
def new_backup(file: Path) -> Iterator[BackupWriter]:
    """A backup to be written, for its owner's eyes only; the file appears when it is complete, or not at all.

    Raises:
        FileExistsError: there is such a file.
    """
    if file.exists():
        raise FileExistsError(file)
    unfinished = file.with_name(f"{file.name}.unfinished")
    with suppress(FileNotFoundError):
        unfinished.unlink()
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as opened:
            with zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as archive:
                yield BackupWriter(archive)
            opened.flush()  # before the name that says "complete"
            os.fsync(opened.fileno())
        unfinished.rename(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def read_backup(file: Path) -> Iterator[BackupReader]:
    """An existing backup.

    Raises:
        BackupUnreadable
    """
    try:
        with zipfile.ZipFile(file) as archive:
            yield BackupReader(archive, manifest_of(json.loads(archive.read(MANIFEST))))
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise BackupUnreadable(file=str(file), detail=str(error) or type(error).__name__) from error
