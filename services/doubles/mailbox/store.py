"""The mail that arrived: one ``.eml`` file for each, and an index so that no request has to read a folder."""

import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.doubles.mailbox.reading import read_headers
from services.platform.clock import wall_now
from services.platform.ids import new_id

KEPT_MAX = 100_000
PAGE_MAX = 500
_DISCARD_BATCH = 1_000
_LOCK_SECONDS = 10

_SCHEMA = """
CREATE TABLE IF NOT EXISTS mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    from_header TEXT NOT NULL,
    subject TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    file TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS mail_by_message_id ON mail (message_id);
CREATE INDEX IF NOT EXISTS mail_by_recipient ON mail (recipient, id);
CREATE TABLE IF NOT EXISTS planted (message_id TEXT NOT NULL, fault TEXT NOT NULL, PRIMARY KEY (message_id, fault));
"""

_COLUMNS = """id, message_id, sender, recipient, from_header, subject, received_at_ms, size_bytes, file,
    (SELECT count(*) FROM mail AS same
     WHERE same.message_id = mail.message_id AND same.recipient = mail.recipient) - 1"""


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One mail as one recipient got it. ``repeats`` says how many more times the same Message-ID came to them."""

    id: int
    message_id: str
    sender: str
    recipient: str
    from_header: str
    subject: str
    received_at: datetime
    size_bytes: int
    file: str
    repeats: int


class MailStore:
    """A folder of mail. Threads may share it; what ``add`` returned from survives the end of the process.

    Beyond ``kept_max`` mails the oldest are discarded.
    """

    def __init__(self, folder: Path, *, kept_max: int = KEPT_MAX) -> None:
        self._folder = folder
        self._kept_max = kept_max
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._index = sqlite3.connect(
            folder / "index.sqlite3", timeout=_LOCK_SECONDS, check_same_thread=False, isolation_level=None
        )
        self._index.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing with this; a machine without power may, and test mail is no loss then.
        self._index.execute("PRAGMA synchronous = OFF")
        self._index.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the index."""
        with self._lock:
            self._index.close()

    def add(self, content: bytes, *, sender: str, recipients: tuple[str, ...]) -> None:
        """Keep a mail for each of its recipients."""
        headers = read_headers(content)
        name = new_id().hex
        # The last two digits are random: 256 folders that fill evenly.
        file = f"{name[-2:]}/{name}.eml"
        path = self._folder / "mail" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        described = (headers.sender, headers.subject, int(wall_now().timestamp() * 1000), len(content))
        with self._lock:
            self._index.execute("BEGIN IMMEDIATE")
            self._index.executemany(
                "INSERT INTO mail"
                " (message_id, sender, recipient, from_header, subject, received_at_ms, size_bytes, file)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(headers.message_id, sender, recipient, *described, file) for recipient in recipients],
            )
            surplus = self._surplus()
            self._index.execute("COMMIT")
        for old in surplus:
            (self._folder / "mail" / old).unlink(missing_ok=True)

    def first_time(self, content: bytes, fault: str) -> bool:
        """Whether the planted ``fault`` has not yet struck this Message-ID; from now on it has."""
        message_id = read_headers(content).message_id
        with self._lock:
            cursor = self._index.execute("INSERT OR IGNORE INTO planted VALUES (?, ?)", (message_id, fault))
            return cursor.rowcount == 1

    def page(
        self, *, to: str = "", search: str = "", message_id: str = "", before: int | None = None, limit: int = 50
    ) -> tuple[StoredMail, ...]:
        """Newest first, at most ``PAGE_MAX``.

        ``to`` is an exact recipient, ``search`` a part of one; ``before`` is the id where the last page ended.
        """
        condition, values = _condition(to=to, search=search, message_id=message_id)
        if before is not None:
            condition += " AND id < ?"
            values.append(before)
        bounded = max(1, min(limit, PAGE_MAX))
        return self._read(f"WHERE {condition} ORDER BY id DESC LIMIT ?", [*values, bounded])

    def by_id(self, mail_id: int) -> StoredMail | None:
        """The mail with that number, if it is kept."""
        found = self._read("WHERE id = ?", [mail_id])
        return found[0] if found else None

    def count(self, *, to: str = "", search: str = "", message_id: str = "") -> tuple[int, int]:
        """How many mails, and how many different Message-IDs among them."""
        condition, values = _condition(to=to, search=search, message_id=message_id)
        statement = f"SELECT count(*), count(DISTINCT message_id) FROM mail WHERE {condition}"
        with self._lock:
            mails, distinct = self._index.execute(statement, values).fetchone()
        return int(mails), int(distinct)

    def content(self, mail: StoredMail) -> bytes:
        """The mail as it arrived; empty when somebody has removed the file."""
        try:
            return (self._folder / "mail" / mail.file).read_bytes()
        except FileNotFoundError:
            return b""

    def _read(self, tail: str, values: list[str | int]) -> tuple[StoredMail, ...]:
        with self._lock:
            rows = self._index.execute(f"SELECT {_COLUMNS} FROM mail {tail}", values).fetchall()
        return tuple(_stored(row) for row in rows)

    def _surplus(self) -> tuple[str, ...]:
        """Forget a batch of the oldest when there are too many; the files to remove once that is committed."""
        (newest, oldest) = self._index.execute("SELECT max(id), min(id) FROM mail").fetchone()
        if newest - oldest < self._kept_max + _DISCARD_BATCH:
            return ()
        rows = self._index.execute(
            "DELETE FROM mail WHERE id <= ? RETURNING file", (newest - self._kept_max,)
        ).fetchall()
        return tuple(row[0] for row in rows)


def _stored(row: tuple[Any, ...]) -> StoredMail:
    mail_id, message_id, sender, recipient, from_header, subject, received_at_ms, size_bytes, file, repeats = row
    return StoredMail(
        id=mail_id,
        message_id=message_id,
        sender=sender,
        recipient=recipient,
        from_header=from_header,
        subject=subject,
        received_at=datetime.fromtimestamp(received_at_ms / 1000, UTC),
        size_bytes=size_bytes,
        file=file,
        repeats=repeats,
    )


def _condition(*, to: str, search: str, message_id: str) -> tuple[str, list[str | int]]:
    parts, values = ["1 = 1"], list[str | int]()
    if to:
        parts.append("recipient = ?")
        values.append(to.lower())
    if search:
        parts.append("instr(recipient, ?) > 0")
        values.append(search.strip().lower())
    if message_id:
        parts.append("message_id = ?")
        values.append(message_id)
    return " AND ".join(parts), values
