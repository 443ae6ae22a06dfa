"""The SQL of profiles: one statement, put together once for what is picked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from services.loyalty.ledger.selected import balances, entries
from services.loyalty.members.domain import Identity
from services.loyalty.members.selected import MEMBER_WRITERS, MembersFrom
from services.loyalty.profiles.domain import ProfileSource
from services.loyalty.programs.domain import LocalizedText, TierLevel, TierMetric, TierSet
from services.loyalty.tiers.selected import standing
from services.platform.db.selected_json import NotPickable, Pick, json_object
from services.platform.db.session import Statement

TIER = "tier"


@dataclass(frozen=True, slots=True)
class Composed:
    """SQL, and the picks of levels whose JSON it wants as values."""

    query: str
    levels: Mapping[str, tuple[Pick, ...]]


def profiles_statement(picks: tuple[Pick, ...], source: ProfileSource, *, tiers: TierSet | None, now: Any) -> Statement:
    """The statement whose rows are profiles: ``id`` and ``profile``.

    Raises:
        NotPickable
    """
    members_from, values = _source(source)
    composed = compose(picks, members_from, has_tiers=tiers is not None)
    if tiers is not None:
        values |= {
            "codes": [level.code for level in tiers.levels],
            "thresholds": [level.threshold for level in tiers.levels],
            "counts_points": tiers.metric is TierMetric.POINTS_EARNED,
        }
        for name, wanted in composed.levels.items():
            values[name] = [_level_json(level, wanted) for level in tiers.levels]
    return Statement(composed.query, {**values, "now": now})


@lru_cache(maxsize=500)
def compose(picks: tuple[Pick, ...], members_from: MembersFrom, *, has_tiers: bool) -> Composed:
    """The statement for what is picked; without ``has_tiers``, before the first program, nobody stands in any.

    Raises:
        NotPickable
    """
    levels: dict[str, tuple[Pick, ...]] = {}

    def levels_of(wanted: Sequence[Pick]) -> str:
        name = f"levels_{len(levels)}"
        levels[name] = tuple(wanted)
        _level_json(_BLANK, wanted)
        return name

    def tier(pick: Pick) -> str:
        return standing(pick, levels_of=levels_of) if has_tiers else "NULL::json"

    writers = {
        **MEMBER_WRITERS,
        "balances": lambda pick: balances(pick, holder="m.id"),
        "ledger": lambda pick: entries(pick, holder="m.id"),
        TIER: tier,
    }
    # No value of a reader is in it: keys are names by `json_object`, the rest is ours.
    query = ("SELECT m.id,", json_object(picks, writers), "::text AS profile FROM", members_from.value)
    return Composed(" ".join(query), levels)


_BLANK = TierLevel(code="", name=LocalizedText("", ""), threshold=0, multiplier=Decimal())


def _source(source: ProfileSource) -> tuple[MembersFrom, dict[str, Any]]:
    if isinstance(source, UUID):
        return MembersFrom.ID, {"id": source}
    if isinstance(source, Identity):
        return MembersFrom.IDENTITY, {"kind": source.kind.value, "value": source.value}
    if source.after_id is None:
        return MembersFrom.FIRST_PAGE, {"limit": source.limit}
    return MembersFrom.NEXT_PAGE, {"after": source.after_id, "limit": source.limit}


def _level_json(level: TierLevel, picks: Sequence[Pick]) -> str:
    return orjson.dumps({pick.key: _level_value(level, pick) for pick in picks}).decode()


def _level_value(level: TierLevel, pick: Pick) -> object:
    if pick.name == "name":
        names = {"en": level.name.en, "zh": level.name.zh, "__typename": "LocalizedText"}
        return {each.key: _of(names, each) for each in pick.picks}
    plain = {
        "code": level.code,
        "threshold": level.threshold,
        "multiplier": format(level.multiplier, "f"),
        "__typename": "Tier",
    }
    return _of(plain, pick)


def _of(values: Mapping[str, object], pick: Pick) -> object:
    if pick.name not in values:
        raise NotPickable(pick.name)
    return values[pick.name]
