"""The worked examples of docs/guides/coupons.md."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.loyalty.coupons.domain import (
    Applied,
    Basis,
    Benefit,
    BenefitKind,
    Cart,
    CouponContent,
    DiscountRounding,
    Exclusivity,
    Item,
    MeasuredOn,
    Minimum,
    Offer,
    Picks,
    PriceBasis,
    Refused,
    Scope,
    Step,
    Strategy,
    check_content,
    discount,
)
from services.platform.money import Money, parse_money
from tests.support.builders.coupons import kind, offers

GUIDE = Path(__file__).parents[4] / "docs/guides/coupons.md"
PICKS = {"": Picks.CHEAPEST, " dearest": Picks.DEAREST}
STRATEGIES = {"best": Strategy.BEST_PRICE, "category": Strategy.BY_CATEGORY}
MONEY = r"(\d+\.\d\d)"


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    section = GUIDE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("|")][2:]
    assert rows
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def minor(amount: str) -> int:
    return parse_money(amount, "CNY").minor


def cart(words: str) -> Cart:
    """What is bought: ``30.00 x3 #tea food/tea net 26.00, ship 8.00``."""
    items: list[Item] = []
    shipping = 0
    for position, text in enumerate(words.split(", "), start=1):
        if text.startswith("ship "):
            shipping = minor(text.removeprefix("ship "))
            continue
        line, _, net = text.partition(" net ")
        gross, *rest = line.split()
        sku = next((word[1:] for word in rest if word.startswith("#")), f"sku-{position}")
        quantity = next((word[1:] for word in rest if re.match(r"x\d", word)), "1")
        path = next((word for word in rest if word[0].islower() and not re.match(r"x\d", word)), "")
        category = tuple(path.split("/")) if path else ()
        paid = minor(gross)
        items.append(Item(position, sku, None, category, Decimal(quantity), paid, minor(net) if net else paid))
    return Cart("CNY", tuple(items), shipping)


def coupon(words: str) -> CouponContent:
    """A kind of coupon: what it gives, then what it asks."""
    content: dict[str, Any] = {}
    words, priority = taken(words, r" /(\d+)$")
    if priority:
        content["priority"] = int(priority[1])
    words, alone = taken(words, r" alone$")
    if alone:
        content["exclusivity"] = Exclusivity.ALL
    words, category = taken(words, r" !(\w+)$")
    if category:
        content |= {"category": category[1], "exclusivity": Exclusivity.CATEGORY}
    words, currency = taken(words, r" in (\w+)$")
    if currency:
        content["currency"] = currency[1]
    words, excluded = taken(words, r" not #(\w+)$")
    words, scope = taken(words, r" on (\S+)$")
    content["scope"] = scope_of(scope[1] if scope else "", excluded[1] if excluded else "")
    words, minimum = taken(words, r" if (order |net |before |above )?(\S+)$")
    if minimum:
        content["minimum"] = minimum_of((minimum[1] or "").strip(), minimum[2])
    return check_content(kind(benefit(words), **content))


def taken(words: str, pattern: str) -> tuple[str, re.Match[str] | None]:
    """The words without what a pattern finds at their end, and that."""
    found = re.search(pattern, words)
    return (words[: found.start()], found) if found else (words, None)


def scope_of(inside: str, excluded: str = "") -> Scope:
    named: dict[str, Any] = {"excluded_skus": frozenset([excluded] if excluded else [])}
    if inside.startswith("#"):
        named["skus"] = frozenset({inside[1:]})
    elif inside:
        named["categories"] = (tuple(inside.split("/")),)
    return Scope(**named)


def minimum_of(how: str, least: str) -> Minimum:
    if least.endswith("x"):
        return Minimum(quantity=Decimal(least[:-1]))
    return Minimum(
        amount_minor=minor(least),
        on=MeasuredOn.ORDER if how == "order" else MeasuredOn.SCOPE,
        price=PriceBasis.NET if how == "net" else PriceBasis.GROSS,
        is_after_discounts=how != "before",
        is_inclusive=how != "above",
    )


def benefit(words: str) -> Benefit:
    words, cap = taken(words, rf" up to {MONEY}$")
    capped = {"cap_minor": minor(cap[1])} if cap else {}
    words, share = taken(words, r" (?:at )?(\d+)%$")
    words, dearest = taken(words, r" dearest$")
    more: dict[str, Any] = capped | ({"percent": Decimal(share[1])} if share else {})
    more |= {"picks": Picks.DEAREST} if dearest else {}
    if words.startswith(("from", "every")):
        return steps(f"{words}{share[0]}" if share else words)
    for pattern, make in _KINDS.items():
        found = re.fullmatch(pattern, words)
        if found:
            return Benefit(**(make(found) | more))
    raise AssertionError(words)


def percent_of(found: re.Match[str]) -> dict[str, Any]:
    values: dict[str, Any] = {"kind": BenefitKind.PERCENT, "percent": Decimal(found[1])}
    if found[2] == " by line":
        values["rounding"] = DiscountRounding.LINE
    elif found[2] == " of initial":
        values["basis"] = Basis.INITIAL
    elif found[2]:
        values |= {"units_max": int(found[3]), "picks": PICKS[found[4] or ""]}
    return values


def counted(kind_: BenefitKind, **groups: str | None) -> dict[str, Any]:
    return {"kind": kind_} | {name: int(value) for name, value in groups.items() if value}


_KINDS: Mapping[str, Any] = {
    r"(\d+)%( by line| of initial| of (\d+)( dearest)? units)?": percent_of,
    rf"-{MONEY}": lambda m: {"kind": BenefitKind.AMOUNT, "amount_minor": minor(m[1])},
    r"free (\d+)": lambda m: counted(BenefitKind.FREE_ITEM, get_units=m[1]),
    r"(\d+) for (\d+)( once)?": lambda m: counted(
        BenefitKind.N_FOR_M, buy_units=m[1], pay_units=m[2], times_max="1" if m[3] else None
    ),
    r"buy (\d+) get (\d+)( of \S+)?": lambda m: (
        counted(BenefitKind.BUY_X_GET_Y, buy_units=m[1], get_units=m[2])
        | ({"target": scope_of(m[3].removeprefix(" of "))} if m[3] else {})
    ),
    r"cheapest(?: (\d+) of (\d+))?": lambda m: counted(BenefitKind.CHEAPEST, get_units=m[1], buy_units=m[2]),
    r"shipping": lambda _: {"kind": BenefitKind.SHIPPING},
    rf"-{MONEY} each(?: of (\d+))?": lambda m: (
        counted(BenefitKind.PER_UNIT, units_max=m[2]) | {"amount_minor": minor(m[1])}
    ),
}


def steps(words: str) -> Benefit:
    found: list[Step] = []
    for text in words.split("; "):
        _, start, gives = text.split()
        values: dict[str, Any] = {"from_minor": None}
        values = {"from_quantity": Decimal(start[:-1])} if start.endswith("x") else {"from_minor": minor(start)}
        values |= {"percent": Decimal(gives[:-1])} if gives.endswith("%") else {"amount_minor": minor(gives[1:])}
        found.append(Step(**values))
    return Benefit(BenefitKind.STEPPED, steps=tuple(found), is_repeated=words.startswith("every"))


def told(basket: Cart, applied: tuple[Applied, ...], refused: tuple[Refused, ...]) -> str:
    """What came of it, in the words of the guide."""
    parts = [shown(basket, one) for one in applied]
    whole = [f"{money(sum(one.amount_minor for one in applied))} {' '.join(parts)}".strip()] if applied else []
    return ", ".join([*whole, *(why(one) for one in refused)])


def shown(basket: Cart, one: Applied) -> str:
    if one.shipping_minor:
        return money(one.shipping_minor)
    return f"({' '.join(money(one.by_line.get(item.position, 0)) for item in basket.items)})"


def why(one: Refused) -> str:
    missing = one.facts.get("missing")
    if missing is None:
        return one.reason.value
    return f"{one.reason.value}: missing {money(missing.minor) if isinstance(missing, Money) else missing}"


def money(amount: int) -> str:
    return f"{Decimal(amount).scaleb(-2):.2f}" if amount else "0"


def check(bought: str, words: str, off: str, strategy: Strategy = Strategy.BEST_PRICE) -> None:
    basket = cart(bought)
    presented: tuple[Offer, ...] = offers([coupon(text) for text in words.split(", ")])

    found = discount(basket, presented, strategy=strategy)

    if len(found.applied) == 1 and found.applied[0].shipping_minor:
        assert money(found.amount_minor) == off
    else:
        assert told(basket, found.applied, found.refused) == off
    assert found.is_best


@pytest.mark.parametrize(
    ("bought", "words", "off"),
    [
        row
        for heading in ("Percent", "Amount", "Units", "Steps", "Shipping", "Minimum", "Why not")
        for row in table(heading)
    ],
)
def test_one_kind(bought: str, words: str, off: str) -> None:
    check(bought, words, off)


@pytest.mark.parametrize(("bought", "strategy", "words", "off"), table("Together"))
def test_coupons_together(bought: str, strategy: str, words: str, off: str) -> None:
    check(bought, words, off, STRATEGIES[strategy])
