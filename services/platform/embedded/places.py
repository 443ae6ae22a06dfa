"""Where an embedded server keeps its things, so that the account it runs under can reach them and nobody else can.

The folders above the state folder are never changed. What a wheel holds is copied into the state folder when the
account can't read it where it is (a checkout below ``/root``, say).
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from services.platform.embedded.errors import AccountMissing, FolderClosedToServer
from services.platform.supervision.accounts import Account, closed_to, unprivileged_account
from services.platform.supervision.errors import FolderNotOurs
from services.platform.supervision.locks import FolderLock

SOCKET_FOLDER_BYTES_MAX = 80
"""A socket's path may have 103 bytes on macOS, 107 on Linux; PostgreSQL adds 19 for the lock beside its socket."""
LOG_BYTES_MAX = 10_000_000
LOG_TAIL_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one server. ``folder`` is ours; ``data`` belongs to ``account``, None unless we are root."""

    folder: Path
    data: Path
    log: Path
    account: Account | None
    lock: FolderLock

    def give_away(self, path: Path) -> None:
        """Hand ``path`` to the account that the server runs under."""
        if self.account is not None:
            os.chown(path, self.account.user_id, self.account.group_id, follow_symlinks=False)


def prepare_place(home: Path, server: str) -> Place:
    """Make the folders of ``server`` in the state folder ``home``, where they are missing.

    Raises:
        AccountMissing, FolderClosedToServer: as root, see there.
        FolderNotOurs: ``home`` can't be made or written.
    """
    try:
        account = unprivileged_account()
    except LookupError as error:
        raise AccountMissing(account=str(error.args[0])) from error
    folder, logs = home / server, home / "logs"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o711, exist_ok=True)
        logs.mkdir(mode=0o700, exist_ok=True)
        _open_home(home, folder, account)
    except OSError as error:
        raise FolderNotOurs(folder=str(home), reason=error.strerror or "unknown") from error
    return Place(folder, folder / "data", logs / f"{server}.log", account, FolderLock(folder))


def _open_home(home: Path, folder: Path, account: Account | None) -> None:
    """Let the account pass through the state folder itself: it is ours, what lies above it is not."""
    if account is None:
        return
    closed = closed_to(home.parent, account)
    if closed is not None:
        raise FolderClosedToServer(folder=str(home), closed=str(closed), account=account.name)
    folder.chmod(0o711)
    if closed_to(home, account) is not None:
        os.chown(home, -1, account.group_id)
        home.chmod(home.stat().st_mode & 0o7777 | 0o010)


def reachable_copy(place: Place, source: Path, *, probe: str, version: str) -> Path:
    """``source`` where the account can run ``source / probe``; else a copy of it in the state folder, made once."""
    if closed_to(source / probe, place.account, is_read=True) is None:
        return source
    target = place.folder / f"{source.name}-{version}"
    if not target.is_dir():
        with tempfile.TemporaryDirectory(dir=place.folder) as temporary:
            copy = Path(temporary) / "copy"
            shutil.copytree(source, copy, symlinks=True)
            for path in (copy, *copy.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            copy.rename(target)
    return target


def make_socket_folder(place: Place) -> Path:
    """A new folder with a short name that only the server's account (and root) may enter.

    It is new at each start, so that neither a stale socket nor a folder planted by somebody else can be in the way. The
    one before is removed: its name is kept beside the data.
    """
    note = place.folder / "sockets"
    remove_socket_folder(place)
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), place.folder]  # noqa: S108  mkdtemp makes it private
    for parent in candidates:
        fits = len(os.fsencode(parent)) + len("/regulars-12345678") <= SOCKET_FOLDER_BYTES_MAX
        passes = parent.is_dir() and closed_to(parent, place.account) is None
        if fits and passes and os.access(parent, os.W_OK | os.X_OK):
            folder = Path(tempfile.mkdtemp(prefix="regulars-", dir=parent))
            place.give_away(folder)
            note.write_text(str(folder))
            return folder
    raise FolderNotOurs(folder="/tmp", reason="no folder with a short name can be written")  # noqa: S108  as above


def remove_socket_folder(place: Place) -> None:
    """Remove what the server's last socket folder left."""
    note = place.folder / "sockets"
    if note.exists():
        folder = Path(note.read_text())
        if folder.name.startswith("regulars-"):
            shutil.rmtree(folder, ignore_errors=True)
        note.unlink(missing_ok=True)


def open_log(place: Place) -> int:
    """A file descriptor that appends to the server's log; a log grown too long becomes ``*.log.1`` first."""
    if place.log.exists() and place.log.stat().st_size > LOG_BYTES_MAX:
        place.log.replace(place.log.with_suffix(".log.1"))
    return os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def log_tail(log: Path) -> str:
    """The last lines of a log; empty where there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
