"""What a merchant may write, a till may ring up and a member may hold."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from services.loyalty.earning.domain import PurchaseLine
from services.loyalty.ledger.domain import Lot, LotOrigin, LotState
from services.loyalty.programs.domain import (
    AllOf,
    Cap,
    CapPeriod,
    Comparison,
    Condition,
    CurrencyAmount,
    Downgrade,
    EarnRule,
    ForeignCurrencyPolicy,
    LocalizedText,
    Not,
    Operator,
    PointUnit,
    Policies,
    ProgramDocument,
    RuleMode,
    SpendFormula,
    TierLevel,
    TierMetric,
    TierSet,
    Trigger,
)

NOW = datetime(2017, 3, 1, 12, tzinfo=UTC)
HOLDER = UUID(int=0xA)
CATEGORIES = st.sampled_from(["food", "fresh", "fish", "drinks"])
PATHS = st.lists(CATEGORIES, max_size=3).map(tuple)
STORES = st.sampled_from(["S1", "S2", "S3"])


def texts(maximum: int) -> st.SearchStrategy[str]:
    letters = st.characters(exclude_categories=("Cc", "Cs"))
    return st.text(letters, min_size=1, max_size=maximum).filter(lambda text: bool(text.strip()))


NAMES = st.builds(LocalizedText, en=texts(80), zh=texts(80))
PLAIN_NAME = st.just(LocalizedText("Name", "名称"))
SLUGS = st.sampled_from([f"{word}{end}" for word in ("base", "a", "7", "fresh-food") for end in ("", "-x", "0")])
MULTIPLIERS = st.integers(1, 1_000_000).map(lambda parts: Decimal(parts).scaleb(-4))


def category_paths() -> st.SearchStrategy[tuple[tuple[str, ...], ...]]:
    return st.lists(st.lists(CATEGORIES, min_size=1, max_size=3).map(tuple), max_size=3, unique=True).map(tuple)


@st.composite
def line_conditions(draw: st.DrawFn) -> Condition | None:
    """Categories that count, and categories that do not."""
    within, without = draw(category_paths()), draw(category_paths())
    parts: list[Condition] = []
    if within:
        parts.append(Comparison("line.category", Operator.UNDER, within))
    if without:
        parts.append(Not(Comparison("line.category", Operator.UNDER, without)))
    return AllOf(tuple(parts)) if len(parts) > 1 else next(iter(parts), None)


AT_STORES = st.lists(STORES, min_size=1, max_size=3, unique=True).map(
    lambda codes: Comparison("store.code", Operator.ONE_OF, tuple(codes))
)


def rules(names: st.SearchStrategy[LocalizedText]) -> st.SearchStrategy[EarnRule]:
    """Rules for what was paid, per rule and calendar day capped or not."""
    per = st.integers(1, 10_000).map(lambda minor: (CurrencyAmount("CNY", minor),))
    return st.builds(
        EarnRule,
        id=SLUGS,
        name=names,
        trigger=st.just(Trigger.PURCHASE),
        formula=st.builds(SpendFormula, points=st.integers(1, 1_000), per=per, mode=st.sampled_from(RuleMode)),
        when=st.none() | AT_STORES,
        lines=line_conditions(),
        caps=st.just(())
        | st.builds(Cap, limit=st.integers(1, 2_000), per=st.just(CapPeriod.DAY)).map(lambda cap: (cap,)),
    )


@st.composite
def tier_sets(draw: st.DrawFn, names: st.SearchStrategy[LocalizedText] = PLAIN_NAME) -> TierSet:
    thresholds = [0, *sorted(draw(st.sets(st.integers(1, 10**6), max_size=4)))]
    codes = draw(st.lists(SLUGS, min_size=len(thresholds), max_size=len(thresholds), unique=True))
    levels = tuple(
        TierLevel(code, draw(names), threshold, draw(MULTIPLIERS))
        for code, threshold in zip(codes, thresholds, strict=True)
    )
    return TierSet(
        draw(st.sampled_from((TierMetric.POINTS_EARNED, TierMetric.SPEND))), levels, downgrade=Downgrade.NONE
    )


def documents(names: st.SearchStrategy[LocalizedText] = PLAIN_NAME) -> st.SearchStrategy[ProgramDocument]:
    return st.builds(
        ProgramDocument,
        name=names,
        timezone=st.sampled_from(["Asia/Shanghai", "America/New_York", "UTC"]),
        currency=st.just("CNY"),
        units=st.builds(
            PointUnit,
            code=st.from_regex(r"[a-z][a-z0-9_]{0,29}", fullmatch=True),
            name=names,
            scale=st.integers(0, 4),
        ).map(lambda unit: (unit,)),
        rules=st.lists(rules(names), min_size=1, max_size=3, unique_by=lambda rule: rule.id).map(tuple),
        tiers=tier_sets(names),
        policies=st.builds(
            Policies,
            backdating_days=st.integers(0, 3650),
            foreign_currency=st.sampled_from((ForeignCurrencyPolicy.EARN_NOTHING, ForeignCurrencyPolicy.REFUSE)),
        ),
    )


QUANTITIES = st.sampled_from(["1", "2", "3", "0.75", "12", "4711.5", "0", "-1", "-2"]).map(Decimal)
POSITIVE_QUANTITIES = st.sampled_from(["1", "2", "3", "0.75", "12", "4711.5"]).map(Decimal)


@st.composite
def baskets(draw: st.DrawFn, *, negative: bool = True) -> tuple[PurchaseLine, ...]:
    lowest = -3_000 if negative else 0
    count = draw(st.integers(1, 6))
    return tuple(
        PurchaseLine(
            position=position,
            sku=f"sku-{position}",
            category=draw(PATHS),
            quantity=draw(QUANTITIES if negative else POSITIVE_QUANTITIES),
            net_minor=draw(st.integers(lowest, 10_000)),
        )
        for position in range(1, count + 1)
    )


@st.composite
def settled_lots(draw: st.DrawFn, first: int = 1) -> tuple[Lot, ...]:
    """Lots of which none is due at ``NOW``."""
    lots = []
    for number in range(first, first + draw(st.integers(0, 6))):
        amount = draw(st.integers(1, 500))
        pending = draw(st.booleans())
        activates = NOW + timedelta(days=draw(st.integers(1, 9) if pending else st.integers(-9, 0)))
        expires = draw(st.none() | st.integers(10, 14).map(lambda days: NOW + timedelta(days=days)))
        state = LotState.PENDING if pending else LotState.ACTIVE
        remaining = draw(st.integers(0, amount))
        origin = LotOrigin("purchase", UUID(int=0xB), "base")
        lots.append(Lot(UUID(int=number), HOLDER, "points", amount, remaining, activates, expires, state, origin))
    return tuple(lots)
