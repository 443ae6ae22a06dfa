"""Makes the peers' tables: the shared ones, and those of one tenant in the schema ``peer``."""

import os

import django
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django_tenants.utils import schema_context  # noqa: E402  Django wants to be set up first
from loyalty import models  # noqa: E402  Django wants to be set up first
from registry.models import Domain, Tenant  # noqa: E402  Django wants to be set up first

with schema_context("public"):
    with connection.schema_editor() as editor:
        editor.create_model(Tenant)
        editor.create_model(Domain)
    tenant = Tenant.objects.create(schema_name="peer")
    Domain.objects.create(domain="127.0.0.1", tenant=tenant, is_primary=True)
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA peer")
with schema_context("peer"), connection.schema_editor() as editor:
    for model in (models.Tier, models.Member, models.Account, models.Entry, models.Purchase, models.Outbox):
        editor.create_model(model)
