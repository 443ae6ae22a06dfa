"""What holds for every cart and every set of coupons; the solver against every way that there is."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise, permutations
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.coupons.domain import (
    Applied,
    Basis,
    Benefit,
    BenefitKind,
    Cart,
    CouponContent,
    Discounting,
    DiscountRounding,
    Exclusivity,
    Item,
    MeasuredOn,
    Minimum,
    Offer,
    Picks,
    PriceBasis,
    Scope,
    Step,
    Strategy,
    discount,
)
from services.loyalty.coupons.domain.applying import Effect, apply
from services.loyalty.coupons.domain.discounting import excludes, rank
from services.loyalty.coupons.domain.qualifying import plan_of
from services.loyalty.coupons.domain.states import first_state

CATEGORIES = [("food",), ("food", "tea"), ("home",)]
PERCENTS = st.sampled_from([Decimal(5), Decimal("12.5"), Decimal(33), Decimal(50), Decimal(100)])
AMOUNTS = st.integers(1, 400)
FEW = st.integers(1, 3)


@st.composite
def items(draw: st.DrawFn, position: int) -> Item:
    gross = draw(st.integers(-120, 600))
    whole = st.integers(1, 4).map(Decimal)
    return Item(
        position=position,
        sku=draw(st.sampled_from("abc")),
        product=draw(st.sampled_from(["p", "q", None])),
        category=draw(st.sampled_from(CATEGORIES)),
        quantity=draw(whole | whole | st.just(Decimal("1.25")) | st.just(Decimal(-1))),
        gross_minor=gross,
        net_minor=gross - gross // 8,
        is_excluded=draw(st.integers(0, 9)) == 0,
    )


@st.composite
def carts(draw: st.DrawFn) -> Cart:
    count = draw(st.integers(1, 4))
    return Cart("CNY", tuple(draw(items(n)) for n in range(1, count + 1)), draw(st.sampled_from([0, 0, 80])))


SCOPES = st.one_of(
    st.just(Scope()),
    st.sampled_from("abc").map(lambda sku: Scope(skus=frozenset(sku))),
    st.sampled_from("pq").map(lambda product: Scope(products=frozenset(product))),
    st.sampled_from(CATEGORIES).map(lambda path: Scope(categories=(path,))),
    st.sampled_from("abc").map(lambda sku: Scope(excluded_skus=frozenset(sku))),
)
STEPS = st.sampled_from(
    [
        (Step(from_minor=100, percent=Decimal(10)), Step(from_minor=300, percent=Decimal(20))),
        (Step(from_quantity=Decimal(2), amount_minor=30), Step(from_quantity=Decimal(4), amount_minor=90)),
    ]
)


@st.composite
def benefits(draw: st.DrawFn) -> Benefit:
    """Any kind, with the fields that it takes."""
    kind = draw(st.sampled_from(BenefitKind))
    many, get = draw(st.integers(2, 4)), draw(FEW)
    takes_percent = kind not in {BenefitKind.AMOUNT, BenefitKind.PER_UNIT, BenefitKind.STEPPED}
    takes_amount = kind in {BenefitKind.AMOUNT, BenefitKind.PER_UNIT}
    is_capped_by_unit = kind in {BenefitKind.PERCENT, BenefitKind.PER_UNIT}
    has_percent = takes_percent and kind not in {BenefitKind.FREE_ITEM, BenefitKind.N_FOR_M}
    return Benefit(
        kind,
        percent=draw(PERCENTS) if has_percent else None,
        amount_minor=draw(AMOUNTS) if takes_amount else None,
        cap_minor=None if takes_amount else draw(st.none() | AMOUNTS),
        basis=draw(st.sampled_from(Basis)) if kind is BenefitKind.PERCENT else Basis.REMAINING,
        rounding=draw(st.sampled_from(DiscountRounding)),
        buy_units=max(many, get),
        get_units=get,
        pay_units=draw(st.integers(1, max(many, get) - 1)),
        times_max=draw(st.none() | FEW),
        units_max=draw(st.none() | FEW) if is_capped_by_unit else None,
        picks=draw(st.sampled_from(Picks)),
        target=draw(st.none() | SCOPES) if kind is BenefitKind.BUY_X_GET_Y else None,
        steps=draw(STEPS) if kind is BenefitKind.STEPPED else (),
    )


MINIMA = st.one_of(
    st.just(Minimum()),
    st.builds(
        Minimum,
        amount_minor=st.integers(1, 500),
        on=st.sampled_from(MeasuredOn),
        price=st.sampled_from(PriceBasis),
        is_after_discounts=st.booleans(),
        is_inclusive=st.booleans(),
    ),
    st.builds(Minimum, quantity=st.integers(1, 4).map(Decimal), on=st.sampled_from(MeasuredOn)),
)
CONTENTS = st.builds(
    CouponContent,
    name_en=st.just("x"),
    name_zh=st.just("x"),
    benefit=benefits(),
    currency=st.sampled_from(["CNY", "CNY", "CNY", "CNY", "USD"]),
    scope=SCOPES,
    minimum=MINIMA,
    category=st.sampled_from(["", "season", "member"]),
    priority=st.integers(0, 1),
    exclusivity=st.sampled_from([Exclusivity.NONE, Exclusivity.NONE, Exclusivity.CATEGORY, Exclusivity.ALL]),
)


@st.composite
def offers(draw: st.DrawFn) -> tuple[Offer, ...]:
    kinds = draw(st.lists(CONTENTS, min_size=1, max_size=4))
    # Two coupons of one kind are common, and what the solver's twins are about.
    contents = [*kinds, kinds[0]][:4] if draw(st.booleans()) else kinds
    ids = draw(st.permutations(range(1, len(contents) + 1)))
    return tuple(Offer(UUID(int=i), UUID(int=1), UUID(int=2), c) for i, c in zip(ids, contents, strict=True))


def every_way(cart: Cart, offered: tuple[Offer, ...]) -> Iterator[tuple[Applied, ...]]:
    """What each order of each set of offers comes to, where all of it counts and no wider scope goes first."""
    plans = [plan_of(cart, offer) for offer in offered]
    yield ()
    for size in range(1, len(plans) + 1):
        for way in permutations(plans, size):
            if any(rank(one) > rank(next_) for one, next_ in pairwise(way)):
                continue
            if any(excludes(one.offer, other.offer) for one in way for other in way if one is not other):
                continue
            state, applied = first_state(cart), []
            for plan in way:
                outcome = apply(plan, state)
                if not isinstance(outcome, Effect):
                    break
                state = outcome.state
                applied.append(outcome.applied)
            else:
                yield tuple(applied)


@given(carts(), offers())
def test_the_best_for_the_customer_is_the_best_of_all_ways_with_the_fewest_coupons(
    cart: Cart, offered: tuple[Offer, ...]
) -> None:
    found = discount(cart, offered, strategy=Strategy.BEST_PRICE)

    worths = [(sum(one.amount_minor for one in way), -len(way)) for way in every_way(cart, offered)]
    assert (found.amount_minor, -len(found.applied)) == max(worths)
    assert found.is_best


RIVALS = st.lists(
    st.builds(
        CouponContent,
        name_en=st.just("x"),
        name_zh=st.just("x"),
        benefit=st.one_of(
            AMOUNTS.map(lambda minor: Benefit(BenefitKind.AMOUNT, amount_minor=minor)),
            PERCENTS.map(lambda percent: Benefit(BenefitKind.PERCENT, percent=percent)),
        ),
        currency=st.just("CNY"),
        scope=st.sampled_from([Scope(), Scope(), Scope(skus=frozenset("a"))]),
        category=st.sampled_from(["", "season"]),
        priority=st.integers(0, 1),
        exclusivity=st.sampled_from(Exclusivity),
    ),
    min_size=3,
    max_size=5,
)
"""Coupons of which most are in each other's way: one that is worth most alone is often not in the best set."""


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(st.integers(100, 900), min_size=1, max_size=3), RIVALS, st.permutations(range(1, 6)))
def test_the_best_of_coupons_that_exclude_each_other_is_the_best_of_all_ways(
    costs: list[int], contents: list[CouponContent], ids: list[int]
) -> None:
    items = tuple(
        Item(place, "abc"[place - 1], None, (), Decimal(1), cost, cost, is_excluded=False)
        for place, cost in enumerate(costs, start=1)
    )
    cart = Cart("CNY", items, 0)
    offered = tuple(Offer(UUID(int=i), UUID(int=1), UUID(int=2), c) for i, c in zip(ids, contents, strict=False))

    found = discount(cart, offered, strategy=Strategy.BEST_PRICE)

    worths = [(sum(one.amount_minor for one in way), -len(way)) for way in every_way(cart, offered)]
    assert (found.amount_minor, -len(found.applied)) == max(worths)
    assert found.is_best


@given(carts(), offers(), st.sampled_from(Strategy))
def test_parts_sum_to_the_whole_and_nothing_falls_below_zero(
    cart: Cart, offered: tuple[Offer, ...], strategy: Strategy
) -> None:
    found = discount(cart, offered, strategy=strategy)

    by_position = {item.position: item for item in cart.items}
    for one in found.applied:
        assert one.amount_minor == sum(one.by_line.values()) + one.shipping_minor > 0
        assert all(part > 0 for part in one.by_line.values())
    for position, item in by_position.items():
        off = found.of_line(position)
        assert off == 0 if item.gross_minor <= 0 or item.is_excluded or item.quantity <= 0 else off <= item.gross_minor
    goods, off_goods = sum(item.gross_minor for item in cart.items), found.amount_minor - found.shipping_minor
    assert goods - off_goods >= min(0, goods)
    assert 0 <= found.shipping_minor <= cart.shipping_minor
    assert _told(found) == {offer.id for offer in offered}


@given(carts(), SCOPES, AMOUNTS | PERCENTS, st.none() | AMOUNTS, st.sampled_from(Strategy))
def test_a_coupon_alone_takes_what_it_says_to_the_unit_and_shares_it_fairly(
    cart: Cart, scope: Scope, worth: int | Decimal, cap: int | None, strategy: Strategy
) -> None:
    """Not a unit is lost or found when it is split: what lines get sums to what the coupon says of their sum."""
    if isinstance(worth, int):
        benefit = Benefit(BenefitKind.AMOUNT, amount_minor=worth)
    else:
        benefit = Benefit(BenefitKind.PERCENT, percent=worth, cap_minor=cap)
    content = CouponContent("x", "x", benefit, currency="CNY", scope=scope)
    costs = {item.position: item.gross_minor for item in cart.items if _counts(item, scope)}
    whole, order = sum(costs.values()), max(0, sum(item.gross_minor for item in cart.items))
    said = min(worth, whole) if isinstance(worth, int) else int((whole * worth / 100).to_integral_value(ROUND_HALF_UP))

    found = discount(cart, [Offer(UUID(int=3), UUID(int=1), UUID(int=2), content)], strategy=strategy)

    limits = [said, order, *([cap] if isinstance(worth, Decimal) and cap is not None else [])]
    shares = {item.position: found.of_line(item.position) for item in cart.items}
    assert sum(shares.values()) == found.amount_minor == min(limits)
    assert all(share == 0 for position, share in shares.items() if position not in costs)
    if found.amount_minor == said:
        for position, cost in costs.items():
            assert abs(shares[position] - Fraction(said * cost, whole)) < 1


def _counts(item: Item, scope: Scope) -> bool:
    """Whether a coupon of this scope looks at the line, said anew: goods that cost something and are named."""
    named = not (scope.skus or scope.products or scope.categories) or (
        item.sku in scope.skus
        or item.product in scope.products
        or any(item.category[: len(path)] == path for path in scope.categories)
    )
    is_goods = item.gross_minor > 0 and item.quantity > 0 and not item.is_excluded
    return is_goods and named and item.sku not in scope.excluded_skus


@given(carts(), offers(), st.sampled_from(Strategy), st.randoms(use_true_random=False))
def test_the_order_in_which_coupons_are_given_changes_nothing(
    cart: Cart, offered: tuple[Offer, ...], strategy: Strategy, random: Random
) -> None:
    first = discount(cart, offered, strategy=strategy)

    shuffled = list(offered)
    random.shuffle(shuffled)

    assert discount(cart, shuffled, strategy=strategy) == first


@given(carts(), offers())
def test_a_unit_serves_one_item_promotion(cart: Cart, offered: tuple[Offer, ...]) -> None:
    found = discount(cart, offered, strategy=Strategy.BEST_PRICE)

    for item in cart.items:
        cheaper = sum(one.units.get(item.position, 0) for one in found.applied)
        assert cheaper <= max(1, int(item.quantity))


@given(carts(), offers())
def test_another_currency_never_qualifies_and_every_coupon_that_counts_is_of_the_carts(
    cart: Cart, offered: tuple[Offer, ...]
) -> None:
    found = discount(cart, offered, strategy=Strategy.BEST_PRICE)

    currencies = {offer.id: offer.content.currency for offer in offered}
    assert {currencies[one.offer_id] for one in found.applied} <= {"CNY"}


def _told(found: Discounting) -> set[UUID | None]:
    """Every offer is told of once: applied or refused."""
    told = [*(one.offer_id for one in found.applied), *(one.offer_id for one in found.refused)]
    assert len(told) == len(set(told))
    return set(told)
