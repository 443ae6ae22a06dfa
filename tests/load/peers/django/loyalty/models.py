"""Members with a tier, a balance and a ledger, in a tenant's schema. Names of tables are those that all peers read."""

from django.db import models


class Tier(models.Model):
    code = models.TextField()
    name = models.TextField()
    threshold = models.BigIntegerField()

    class Meta:
        db_table = "tier"


class Member(models.Model):
    name = models.TextField()
    status = models.TextField()
    tier = models.ForeignKey(Tier, models.PROTECT)

    class Meta:
        db_table = "member"


class Account(models.Model):
    member = models.OneToOneField(Member, models.PROTECT, related_name="account", primary_key=True)
    balance = models.BigIntegerField()
    earned = models.BigIntegerField()

    class Meta:
        db_table = "account"


class Entry(models.Model):
    member = models.ForeignKey(Member, models.PROTECT, related_name="entries", db_index=False)
    kind = models.TextField()
    points = models.BigIntegerField()
    external_id = models.TextField()
    occurred_at = models.DateTimeField()

    class Meta:
        db_table = "entry"
        ordering = ("-id",)
        indexes = (models.Index(fields=["member", "-id"], name="entry_member_id"),)


class Purchase(models.Model):
    external_id = models.TextField(unique=True)
    member = models.ForeignKey(Member, models.PROTECT, db_index=False)
    amount = models.BigIntegerField()
    points = models.BigIntegerField()
    occurred_at = models.DateTimeField()

    class Meta:
        db_table = "purchase"


class Outbox(models.Model):
    kind = models.TextField()
    payload = models.JSONField()

    class Meta:
        db_table = "outbox"
