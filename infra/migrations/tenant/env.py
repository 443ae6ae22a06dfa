"""Renders the tenant line as SQL without schema names. It is never run against a server from here."""

from alembic import context

from infra.migrations.rows import TenantRow

context.configure(
    dialect_name="postgresql",
    target_metadata=TenantRow.metadata,
    literal_binds=True,
    transactional_ddl=False,
)
context.run_migrations()
