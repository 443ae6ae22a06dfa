"""Where a member stands, as JSON written by the database.

The ladder comes as the values of `ladder_values`, and the JSON of each level for each pick of one. The rules are those
of `domain.level_at` and `domain.progress_of` for the ladders that have a `Counting`. Of all that time makes due for a
member nothing may be: `IS_SETTLED` tells, and what is due only Python decides.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.domain.ladder import Access, QualificationPeriod, TierMetric, Upgrade
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.domain.validity import Activation
from services.loyalty.tiers.domain import TierRecord, climbing_from, ladder_of
from services.platform.db.selected_json import NotPickable, Pick, Writers, instant, json_object, plain

LevelsOf = Callable[[Sequence[Pick]], str]
"""Given the picks of a level, the name of the value that holds the JSON of every level."""


class Counting(Enum):
    """What qualifies: all that ever was, of which sums are kept; or what is of the days that count for everybody."""

    EVER = "ever"
    WINDOW = "window"


_METRICS = (TierMetric.SPEND, TierMetric.POINTS_EARNED)
_IS_GIVEN = "t.given_code IS NOT NULL AND (t.given_until IS NULL OR t.given_until > %(now)s)"
_REACHED = "greatest(1, width_bucket(s.qualifying, %(thresholds)s::bigint[]))"
_EVER = "SELECT CASE WHEN %(counts_points)s THEN t.points_earned ELSE t.spend_minor END AS amount"
_WINDOW = """
SELECT sum(CASE WHEN %(counts_points)s THEN a.points ELSE a.spend_minor END)::bigint AS amount FROM tier_amounts a
WHERE a.member_id = m.id AND a.day BETWEEN %(first_day)s::date AND %(last_day)s::date AND a.counted_at <= %(now)s
    AND (a.unit = %(tier_unit)s OR NOT %(counts_points)s)"""
_NEXT = "s.thresholds[s.reached + 1]"
_SPAN = f"{_NEXT} - s.beneath"
# In tenths of a thousandth, rounded down by whole numbers: a quotient in digits might round up to one.
_FRACTION = f"""
CASE WHEN s.reached = cardinality(s.thresholds) THEN '1' ELSE
    (div(10000 * least({_SPAN}, greatest(0, s.qualifying - s.beneath))::numeric, {_SPAN}) / 10000)::numeric(5, 4)::text
END"""
IS_SETTLED = """NOT EXISTS (SELECT FROM member_tiers t
    WHERE t.member_id = m.id AND (t.next_at <= %(now)s OR t.ladder IS DISTINCT FROM %(ladder)s))"""
"""Whether nothing is to be decided about the member of the row ``m``, by the ladder whose amounts have a window."""


def counting_of(document: ProgramDocument) -> Counting | None:
    """How the database can tell where members of this program stand; None where only Python can."""
    tiers = document.tiers
    if (
        tiers.metric not in _METRICS
        or tiers.upgrade is not Upgrade.AT_ONCE
        or not all(level.access is Access.EARNED for level in tiers.levels)
    ):
        return None
    match tiers.period:
        case QualificationPeriod.LIFETIME:
            is_own = tiers.metric is TierMetric.SPEND or tiers.unit in {None, document.unit.code}
            counts_at_once = tiers.metric is TierMetric.SPEND or tiers.counts_pending or _never_waits(document)
            return Counting.EVER if is_own and counts_at_once else None
        case QualificationPeriod.CALENDAR:
            return Counting.WINDOW
        case QualificationPeriod.ROLLING:
            # What resets counts from a member's latest downgrade on.
            return None if tiers.resets else Counting.WINDOW
        case _:
            return None


def ladder_values(version: ProgramVersion, *, now: datetime) -> dict[str, Any]:
    """The values that the statement takes of the program in force."""
    ladder = ladder_of(version)
    today = ladder.day(now)
    return {
        "codes": [level.code for level in ladder.tiers.levels],
        "thresholds": [level.threshold for level in ladder.tiers.levels],
        "counts_points": ladder.tiers.metric is TierMetric.POINTS_EARNED,
        "tier_unit": ladder.unit,
        "ladder": ladder.mark,
        "first_day": climbing_from(ladder, TierRecord(), today),
        "last_day": today,
    }


def _never_waits(document: ProgramDocument) -> bool:
    activations = [document.unit.activation, *(rule.activation for rule in document.rules if rule.activation)]
    return all(each == Activation() for each in activations)


def standing(pick: Pick, *, counting: Counting, levels_of: LevelsOf) -> str:
    """Where the member of the row ``m`` stands.

    Raises:
        NotPickable: an attribute that only Python knows.
    """
    is_window = counting is Counting.WINDOW
    # Who has a tier of a period is on the way from there, and the way is the whole one, from nothing on.
    held = "coalesce(array_position(s.codes, s.tier_code), 0)" if is_window else "0"
    beneath = "0" if is_window else "s.thresholds[s.reached]"
    qualifying = _WINDOW if is_window else _EVER
    if is_window and not any(each.name == "progress" for each in pick.picks):
        qualifying = "SELECT 0::bigint AS amount"
    # Nothing of a reader is in it: one of two expressions of ours each time.
    source = f"""(
        SELECT s.*, {beneath} AS beneath,
            coalesce(array_position(s.codes, s.shown_code), array_position(s.codes, s.tier_code), s.reached) AS held
        FROM (
            SELECT s.*, greatest({held}, {_REACHED}) AS reached
            FROM (
                SELECT t.tier_code, CASE WHEN {_IS_GIVEN} THEN t.given_code END AS shown_code,
                    CASE WHEN {_IS_GIVEN} THEN t.given_since ELSE t.since END AS since,
                    coalesce(t.points_earned, 0) AS points_earned, coalesce(q.amount, 0) AS qualifying,
                    %(codes)s::text[] AS codes, %(thresholds)s::bigint[] AS thresholds
                FROM (SELECT 1) one LEFT JOIN member_tiers t ON t.member_id = m.id
                    CROSS JOIN LATERAL ({qualifying}) q
            ) s
        ) s) s"""
    writers: Writers = {
        "tier": lambda tier: _level(tier, "held", levels_of),
        "since": plain(instant("s.since")),
        "points_earned": plain("s.points_earned"),
        "progress": lambda progress: json_object(progress.picks, _progress(levels_of)),
        "__typename": plain("'MemberTier'::text"),
    }
    return f"(SELECT {json_object(pick.picks, writers)} FROM {source})"


def _progress(levels_of: LevelsOf) -> Writers:
    return {
        "qualifying": plain("s.qualifying"),
        "next_tier": lambda tier: _level(tier, "reached + 1", levels_of),
        "missing": plain(f"greatest(0, coalesce({_NEXT} - s.qualifying, 0))"),
        "fraction": plain(_FRACTION),
        "__typename": plain("'TierProgress'::text"),
    }


def _level(pick: Pick, rung: str, levels_of: LevelsOf) -> str:
    if not pick.picks:
        raise NotPickable(pick.name)
    return f"(%({levels_of(pick.picks)})s::json[])[s.{rung}]"
