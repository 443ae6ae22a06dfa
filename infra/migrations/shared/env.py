"""Runs the shared line: one schema, ``platform``, changed over the owner's direct connection."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from infra.migrations.rows import PlatformRow

url = context.config.attributes["url"].replace("postgresql://", "postgresql+psycopg://", 1)
engine = create_engine(url, poolclass=pool.NullPool)
with engine.connect() as connection:
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS platform"))
    connection.execute(text("SET lock_timeout TO '4s'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=PlatformRow.metadata,
        version_table_schema="platform",
        include_schemas=True,
    )
    with context.begin_transaction():
        context.run_migrations()
