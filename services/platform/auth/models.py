"""Rows of people, their grants and their credentials, in the shared schema. Secrets are stored as hashes only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import PlatformRow
from services.platform.tenancy.models import OrganizationRow, TenantRegistryRow

ROLES = "'owner', 'admin', 'marketer', 'cashier', 'analyst', 'headquarters'"


class UserRow(PlatformRow):
    """A person who signs in to work."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("email", name="email_key"),
        CheckConstraint("email = lower(email)", name="email_check"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    password_hash: Mapped[str]
    name: Mapped[str]
    locale: Mapped[str]
    created_at: Mapped[datetime]


class StaffGrantRow(PlatformRow):
    """A role of a person at a node of the tree: an organization, one of its tenants, or one store of that."""

    __tablename__ = "staff_grants"
    __table_args__ = (
        UniqueConstraint(
            "user_id", "organization_id", "tenant_id", "store_id", name="node_key", postgresql_nulls_not_distinct=True
        ),
        CheckConstraint(f"role IN ({ROLES})", name="role_check"),
        CheckConstraint("store_id IS NULL OR tenant_id IS NOT NULL", name="node_check"),
        Index(None, "tenant_id"),
        Index(None, "organization_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(UserRow.id))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey(OrganizationRow.id))
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey(TenantRegistryRow.id))
    store_id: Mapped[UUID | None]
    role: Mapped[str]
    created_at: Mapped[datetime]


class SessionRow(PlatformRow):
    """A signed-in browser or app."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(UserRow.id))
    secret_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class InvitationRow(PlatformRow):
    """A role offered to an e-mail address. Its token is signed, not stored."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint(f"role IN ({ROLES})", name="role_check"),
        CheckConstraint("email = lower(email)", name="email_check"),
        Index(None, "tenant_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    organization_id: Mapped[UUID] = mapped_column(ForeignKey(OrganizationRow.id))
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey(TenantRegistryRow.id))
    store_id: Mapped[UUID | None]
    role: Mapped[str]
    invited_by: Mapped[UUID] = mapped_column(ForeignKey(UserRow.id))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiKeyRow(PlatformRow):
    """A program's credential. ``prefix`` is public and finds the row; the secret's SHA-256 is compared."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("prefix", name="prefix_key"), Index(None, "tenant_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey(TenantRegistryRow.id))
    store_id: Mapped[UUID | None]
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginThrottleRow(PlatformRow):
    """Password guesses at one account in the present window. The account is a hash: it need not exist."""

    __tablename__ = "login_throttles"
    __table_args__ = (Index(None, "window_started_at"),)

    account_hash: Mapped[bytes] = mapped_column(primary_key=True)
    window_started_at: Mapped[datetime]
    attempts: Mapped[int]
