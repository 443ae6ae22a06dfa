"""Passwords: argon2id, a few at a time, and the same time for accounts that do not exist."""

import re
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from services.platform.auth.errors import EmailInvalid, PasswordTooWeak

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 200
EMAIL_LENGTH_MAX = 254
CONCURRENT_HASHES_MAX = 2
"""Each hash takes 64 MiB, so that many at once would be a way to exhaust the memory."""

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s.\x00-\x1f\x7f]+(\.[^@\s.\x00-\x1f\x7f]+)+")


class Passwords:
    """Hashes and checks passwords with the parameters of ``hasher`` (argon2id by default)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(CONCURRENT_HASHES_MAX)
        self._nobody = self._hasher.hash("the account that is not there")

    def hash(self, password: str) -> str:
        """The argon2id hash to store.

        Raises:
            PasswordTooWeak: shorter than ``PASSWORD_LENGTH_MIN`` characters, or longer than 200.
        """
        if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
            raise PasswordTooWeak(length_min=PASSWORD_LENGTH_MIN)
        with self._turns:
            return self._hasher.hash(password)

    def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one; None costs as much time as a wrong password."""
        with self._turns:
            try:
                self._hasher.verify(stored or self._nobody, password[:PASSWORD_LENGTH_MAX])
            except (VerifyMismatchError, InvalidHashError):
                return False
        return stored is not None


def normalize_email(email: str) -> str:
    """The address in lower case, without surrounding space.

    Raises:
        EmailInvalid
    """
    address = email.strip().lower()
    if len(address) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(address):
        raise EmailInvalid
    return address
