"""Secrets of tenants at rest: sealed by the house's secret, each for one tenant and one use.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits, under a key derived from the house's secret by HKDF
(RFC 5869). The tenant and the use are authenticated along with it, so that a sealed text that is moved elsewhere does
not open. Another house secret opens none of them.
"""

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORM = b"\x01"
KEY_BYTES = 32
NONCE_BYTES = 12


class SealBroken(Exception):
    """What was sealed does not open: it is damaged, of another tenant or use, or the house's secret has changed."""


class Seals:
    """Seals and opens with keys derived from one secret."""

    def __init__(self, secret: bytes) -> None:
        derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"regulars seals 1").derive(secret)
        self._cipher = AESGCM(derived)

    def seal(self, plain: bytes, *, tenant_id: UUID, use: str) -> bytes:
        """The sealed form of a secret; twice the same secret gives two forms."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return FORM + nonce + self._cipher.encrypt(nonce, plain, _about(tenant_id, use))

    def open(self, sealed: bytes, *, tenant_id: UUID, use: str) -> bytes:
        """What was sealed.

        Raises:
            SealBroken
        """
        form, nonce, text = sealed[:1], sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if form != FORM or len(nonce) != NONCE_BYTES:
            raise SealBroken
        try:
            return self._cipher.decrypt(nonce, text, _about(tenant_id, use))
        except InvalidTag as error:
            raise SealBroken from error


def _about(tenant_id: UUID, use: str) -> bytes:
    return tenant_id.bytes + use.encode()
