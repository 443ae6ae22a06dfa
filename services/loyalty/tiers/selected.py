"""Where a member stands, as JSON written by the database.

The ladder comes as values: ``codes`` and ``thresholds`` rung by rung, the JSON of each level for each pick of one, and
``counts_points``, whether points earned or money spent qualifies.
The rules are those of `domain.level_at` and `domain.progress` for the ladders that `is_plain` knows: all that counts is
a sum of all time, so that nothing falls due by time but the end of a tier that staff gave.
"""

from collections.abc import Callable, Sequence

from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.domain.ladder import Access, QualificationPeriod, TierMetric, Upgrade
from services.loyalty.programs.domain.validity import Activation
from services.platform.db.selected_json import NotPickable, Pick, Writers, instant, json_object, plain

LevelsOf = Callable[[Sequence[Pick]], str]
"""Given the picks of a level, the name of the value that holds the JSON of every level."""

_IS_GIVEN = "t.given_code IS NOT NULL AND (t.given_until IS NULL OR t.given_until > %(now)s)"
_REACHED = "greatest(1, width_bucket(s.qualifying, %(thresholds)s::bigint[]))"
_SPAN = "s.thresholds[s.reached + 1] - s.thresholds[s.reached]"
# In tenths of a thousandth, rounded down by whole numbers: a quotient in digits might round up to one.
_FRACTION = f"""
CASE WHEN s.reached = cardinality(s.thresholds) THEN '1'
ELSE (div(10000 * greatest(0, s.qualifying - s.thresholds[s.reached])::numeric, {_SPAN}) / 10000)::numeric(5, 4)::text
END"""


def is_plain(document: ProgramDocument) -> bool:
    """Whether the database can tell where members of this program stand."""
    tiers = document.tiers
    is_counted_at_once = tiers.metric is TierMetric.SPEND or (
        tiers.metric is TierMetric.POINTS_EARNED
        and tiers.unit in {None, document.unit.code}
        and (tiers.counts_pending or all(each == Activation() for each in _activations(document)))
    )
    return (
        is_counted_at_once
        and tiers.period is QualificationPeriod.LIFETIME
        and tiers.upgrade is Upgrade.AT_ONCE
        and all(level.access is Access.EARNED for level in tiers.levels)
    )


def _activations(document: ProgramDocument) -> list[Activation]:
    return [document.unit.activation, *(rule.activation for rule in document.rules if rule.activation)]


def standing(pick: Pick, *, levels_of: LevelsOf) -> str:
    """Where the member of the row ``m`` stands.

    Raises:
        NotPickable: an attribute that only Python knows.
    """
    source = f"""
        SELECT s.*, coalesce(array_position(s.codes, s.shown_code), array_position(s.codes, s.tier_code), s.reached)
            AS held
        FROM (
            SELECT s.*, %(codes)s::text[] AS codes, %(thresholds)s::bigint[] AS thresholds, {_REACHED} AS reached
            FROM (
                SELECT t.tier_code, CASE WHEN {_IS_GIVEN} THEN t.given_code END AS shown_code,
                    CASE WHEN {_IS_GIVEN} THEN t.given_since ELSE t.since END AS since,
                    coalesce(t.points_earned, 0) AS points_earned,
                    coalesce(CASE WHEN %(counts_points)s THEN t.points_earned ELSE t.spend_minor END, 0) AS qualifying
                FROM (SELECT 1) one LEFT JOIN member_tiers t ON t.member_id = m.id
            ) s
        ) s"""
    writers: Writers = {
        "tier": lambda tier: _level(tier, "held", levels_of),
        "since": plain(instant("s.since")),
        "points_earned": plain("s.points_earned"),
        "progress": lambda progress: json_object(progress.picks, _progress(levels_of)),
        "__typename": plain("'MemberTier'::text"),
    }
    return f"(SELECT {json_object(pick.picks, writers)} FROM ({source}) s)"


def _progress(levels_of: LevelsOf) -> Writers:
    return {
        "qualifying": plain("s.qualifying"),
        "next_tier": lambda tier: _level(tier, "reached + 1", levels_of),
        "missing": plain("coalesce(s.thresholds[s.reached + 1] - s.qualifying, 0)"),
        "fraction": plain(_FRACTION),
        "__typename": plain("'TierProgress'::text"),
    }


def _level(pick: Pick, rung: str, levels_of: LevelsOf) -> str:
    if not pick.picks:
        raise NotPickable(pick.name)
    return f"(%({levels_of(pick.picks)})s::json[])[s.{rung}]"
