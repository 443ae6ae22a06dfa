"""The account that servers run under when we are root, and what it may reach."""

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

ACCOUNT_NAME = "regulars"
USERADD_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the machine."""

    name: str
    user_id: int
    group_id: int


def unprivileged_account() -> Account | None:
    """Whom servers run as when we are root: ``regulars``, made when it is missing. None where we are not root.

    Raises:
        LookupError: we are root, the account is missing, and the machine has no way of making it.
    """
    if os.geteuid() != 0:
        return None
    found = _account_named(ACCOUNT_NAME)
    if found is None:
        _make_account()
        found = _account_named(ACCOUNT_NAME)
    if found is None:
        raise LookupError(ACCOUNT_NAME)
    return found


def closed_to(path: Path, account: Account | None, *, is_read: bool = False) -> Path | None:
    """The first step on the way to ``path`` that ``account`` can't take, ``path`` itself included; None if it is open.

    A step is entered or executed; ``is_read`` asks that the last one can be read as well. Only permission bits are
    read: an access list that grants more is not seen.
    """
    if account is None:
        return None
    resolved = path.resolve()
    for step in (*reversed(resolved.parents), resolved):
        status = step.stat()
        needed = stat.S_IXOTH | (stat.S_IROTH if is_read and step == resolved else 0)
        if status.st_uid == account.user_id:
            needed <<= 6
        elif status.st_gid == account.group_id:
            needed <<= 3
        if status.st_mode & needed != needed:
            return step
    return None


def _account_named(name: str) -> Account | None:
    import pwd  # noqa: PLC0415  Unix only, as is root

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name=name, user_id=entry.pw_uid, group_id=entry.pw_gid)


def _make_account() -> None:
    """Ask the machine for a system account without a shell or a home. Another start may be making it: see who wins."""
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    commands = (
        ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"),
        ("adduser", "-S", "-D", "-H", "-h", "/nonexistent"),
    )
    for program, *arguments in commands:
        found = shutil.which(program, path=places)
        if found is not None:
            command = [found, *arguments, "-s", "/usr/sbin/nologin", ACCOUNT_NAME]
            subprocess.run(command, check=False, capture_output=True, timeout=USERADD_SECONDS_MAX)
            return
