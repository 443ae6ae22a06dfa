"""How to get into the demo: the owner's password and the tills' API key, kept in the state folder for their owner only.

The product stores both as hashes and shows them once, so that what people are to be told again must be kept here.
"""

import json
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import UUID

OWNER_EMAIL: Final = "owner@journey.test"
_FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class Till:
    """The API key of the chain's tills."""

    key_id: UUID
    secret: str


@dataclass(frozen=True, slots=True)
class DemoAccess:
    """``tenant_id`` and ``till`` are None until the chain has been made that far."""

    password: str
    tenant_id: UUID | None = None
    till: Till | None = None


def read_access(home: Path) -> DemoAccess | None:
    """What is kept in the state folder; None before the first demo."""
    try:
        kept = json.loads((home / _FILE).read_text())
    except FileNotFoundError:
        return None
    till = Till(UUID(kept["api_key_id"]), kept["api_key"]) if kept["api_key"] else None
    return DemoAccess(kept["password"], UUID(kept["tenant_id"]) if kept["tenant_id"] else None, till)


def keep_access(home: Path, access: DemoAccess) -> DemoAccess:
    """Write it down, whole or not at all, readable by its owner alone."""
    kept = {
        "email": OWNER_EMAIL,
        "password": access.password,
        "tenant_id": str(access.tenant_id) if access.tenant_id else None,
        "api_key_id": str(access.till.key_id) if access.till else None,
        "api_key": access.till.secret if access.till else None,
    }
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = home / f"{_FILE}.unfinished"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)  # a file that an earlier run left keeps its own mode
        json.dump(kept, file, indent=2)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(home / _FILE)
    return access


def ensure_access(home: Path) -> DemoAccess:
    """What is kept, or a new password, written down before anything is protected by it."""
    return read_access(home) or keep_access(home, DemoAccess(password=secrets.token_urlsafe(12)))


def with_till(access: DemoAccess, *, tenant_id: UUID, till: Till) -> DemoAccess:
    """The access of a chain that is made."""
    return replace(access, tenant_id=tenant_id, till=till)
