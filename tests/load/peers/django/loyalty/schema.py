"""The members' API as a user of strawberry-django writes it, with its optimizer on."""

import strawberry
import strawberry_django
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from strawberry.extensions import ParserCache, ValidationCache
from strawberry_django.optimizer import DjangoOptimizerExtension

from loyalty import models

POINTS_PER = 100
PAGE = 50


@strawberry_django.type(models.Tier)
class Tier:
    code: strawberry.auto
    name: strawberry.auto


@strawberry_django.type(models.Account)
class Account:
    balance: strawberry.auto
    earned: strawberry.auto


@strawberry_django.type(models.Entry)
class Entry:
    id: strawberry.auto
    kind: strawberry.auto
    points: strawberry.auto
    external_id: strawberry.auto
    occurred_at: strawberry.auto


@strawberry_django.type(models.Member)
class Member:
    id: strawberry.auto
    name: strawberry.auto
    status: strawberry.auto
    tier: Tier
    account: Account
    entries: list[Entry] = strawberry_django.field(pagination=True)


@strawberry.type
class Query:
    member: Member = strawberry_django.field()

    @strawberry_django.field
    def members(self, after: int) -> list[Member]:
        return models.Member.objects.filter(id__gt=after).order_by("id")[:PAGE]


@strawberry.type
class Recorded:
    points: int
    balance: int


@strawberry.type
class Mutation:
    @strawberry.mutation
    def record_purchase(self, member_id: strawberry.ID, external_id: str, amount: int) -> Recorded:
        now, points = timezone.now(), amount // POINTS_PER
        with transaction.atomic():
            account = models.Account.objects.select_for_update().get(pk=member_id)
            models.Purchase.objects.create(
                external_id=external_id, member_id=account.pk, amount=amount, points=points, occurred_at=now
            )
            models.Entry.objects.create(
                member_id=account.pk, kind="ACCRUAL", points=points, external_id=external_id, occurred_at=now
            )
            models.Account.objects.filter(pk=account.pk).update(
                balance=F("balance") + points, earned=F("earned") + points
            )
            models.Outbox.objects.create(kind="PurchaseRecorded", payload={"external_id": external_id})
        return Recorded(points=points, balance=account.balance + points)


schema = strawberry.Schema(
    Query, Mutation, extensions=[DjangoOptimizerExtension, ParserCache(maxsize=100), ValidationCache(maxsize=100)]
)
