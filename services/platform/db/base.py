"""Declarative bases: one for the shared schema, one for the schema that every tenant has."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, LargeBinary, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

# Every constraint has a name, because repositories turn names into domain errors. Checks and uniques name themselves.
NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(constraint_name)s",
    "ck": "%(table_name)s_%(constraint_name)s",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}

TYPES = {
    str: Text(),
    int: BigInteger(),
    bytes: LargeBinary(),
    datetime: DateTime(timezone=True),
    UUID: Uuid(),
    dict: JSONB(),
}


class PlatformRow(DeclarativeBase):
    """A row of the shared schema; its tables are always written ``platform.<table>``."""

    metadata = MetaData(schema="platform", naming_convention=NAMING)
    type_annotation_map = TYPES


class TenantRow(DeclarativeBase):
    """A row of a tenant's schema; its tables are written without a schema and found by the search path."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = TYPES
