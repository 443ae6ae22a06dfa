"""Rows of the tenant registry, in the shared schema."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import PlatformRow


class OrganizationRow(PlatformRow):
    """A chain or franchise; a single merchant is an organization with one tenant."""

    __tablename__ = "organizations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class TenantRegistryRow(PlatformRow):
    """A merchant: one schema, one program, one clock."""

    __tablename__ = "tenants"
    __table_args__ = (
        UniqueConstraint("slug", name="slug_key"),
        UniqueConstraint("schema_name", name="schema_name_key"),
        CheckConstraint("mode IN ('live', 'sandbox')", name="mode_check"),
        CheckConstraint("status IN ('provisioning', 'active', 'suspended')", name="status_check"),
        # Only a sandbox may leave the wall clock.
        CheckConstraint("mode = 'sandbox' OR clock_offset_seconds = 0", name="clock_check"),
        CheckConstraint("schema_name ~ '^t_[0-9a-f]{12}$'", name="schema_name_check"),
        CheckConstraint(
            "(quota_capacity IS NULL) = (quota_per_second IS NULL) AND quota_capacity >= 1 AND quota_per_second >= 1",
            name="quota_check",
        ),
        Index(None, "organization_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey(OrganizationRow.id))
    slug: Mapped[str]
    name: Mapped[str]
    schema_name: Mapped[str]
    mode: Mapped[str]
    clock_offset_seconds: Mapped[int]
    placement: Mapped[str]
    status: Mapped[str]
    locale: Mapped[str]
    schema_revision: Mapped[str | None]
    created_at: Mapped[datetime]
    suspended_at: Mapped[datetime | None]
    quota_capacity: Mapped[int | None]
    quota_per_second: Mapped[int | None]


class SandboxRow(PlatformRow):
    """That a tenant is a sandbox of a live one. The demo is a sandbox of nobody."""

    __tablename__ = "sandboxes"
    __table_args__ = (CheckConstraint("tenant_id <> live_tenant_id", name="self_check"), Index(None, "live_tenant_id"))

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey(TenantRegistryRow.id), primary_key=True)
    live_tenant_id: Mapped[UUID] = mapped_column(ForeignKey(TenantRegistryRow.id))
    created_at: Mapped[datetime]


class TenantDomainRow(PlatformRow):
    """A host name by which a tenant is reached."""

    __tablename__ = "tenant_domains"
    __table_args__ = (CheckConstraint("host = lower(host)", name="host_check"), Index(None, "tenant_id"))

    host: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey(TenantRegistryRow.id))


class LeaseRow(PlatformRow):
    """A leadership that one process holds until a moment, such as the scheduler's."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    expires_at: Mapped[datetime]
