"""The worked examples of docs/guides/earning.md."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.loyalty.earning.domain import (
    CapKey,
    CapSubject,
    Evaluation,
    PricedLine,
    PurchaseLine,
    earn_base,
    evaluate,
)
from services.loyalty.earning.domain.windows import is_open
from services.loyalty.programs.domain import (
    BasePolicy,
    Cap,
    CapMeasure,
    CapPeriod,
    Combination,
    CurrencyAmount,
    EarnRule,
    FixedFormula,
    Formula,
    MultiplierFormula,
    Overflow,
    PerItemFormula,
    Policies,
    Rounding,
    RuleGroup,
    RuleMode,
    SpendFormula,
    TaxPolicy,
    Window,
)
from services.platform.money import parse_money
from tests.support.builders.programs import NOON, line, program, rule, sale, spend, under

GUIDE = Path(__file__).parents[4] / "docs/guides/earning.md"
BASES = {
    "default": BasePolicy(),
    "before discounts": BasePolicy(before_discounts=True),
    "order discount not by lines": BasePolicy(order_discount_lowers_lines=False),
    "without tax": BasePolicy(tax=TaxPolicy.WITHOUT),
    "with tax": BasePolicy(tax=TaxPolicy.WITH),
}


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    section = GUIDE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("|")][2:]
    assert rows
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def minor(amount: str, currency: str = "CNY") -> int:
    return parse_money(amount, currency).minor


def formula(words: str, currency: str) -> Formula:
    if words.startswith("+"):
        return FixedFormula(int(words[1:]))
    if words.startswith("x"):
        return MultiplierFormula(Decimal(words[1:]))
    points, per = words.split("/")
    if per == "item":
        return PerItemFormula(int(points))
    mode = RuleMode.PROPORTIONAL if per.endswith("~") else RuleMode.STEP
    return SpendFormula(int(points), (CurrencyAmount(currency, minor(per.rstrip("~"), currency)),), mode)


def rules(words: str, currency: str = "CNY") -> tuple[list[EarnRule], list[RuleGroup]]:
    """Rules as the guide writes them, with the groups that they are in."""
    found: list[EarnRule] = []
    groups: list[RuleGroup] = []
    for bracket, alone in re.findall(r"\[([^\]]+)\]|([^,\[\]]+)", words):
        changes: dict[str, Any] = {}
        members = alone
        if bracket:
            combination, members = bracket.split(" ", 1)
            groups.append(RuleGroup(f"g{len(groups)}", Combination(combination)))
            changes["group"] = groups[-1].code
        for part in members.split(","):
            if not part.strip():
                continue
            head, *rest = part.split()
            scope = [word for word in rest if word.isalpha()]
            priority = [int(word[1:]) for word in rest if word.startswith("^")]
            found.append(
                rule(
                    f"r{len(found)}",
                    formula(head, currency),
                    lines=under(*scope) if scope else None,
                    priority=sum(priority),
                    stackable="!" not in rest,
                    **changes,
                )
            )
    return found, groups


def bought(words: str, currency: str = "CNY") -> tuple[PurchaseLine, ...]:
    parts = [part.split() for part in words.split(",")]
    return tuple(line(n, minor(amount, currency), *category) for n, (amount, *category) in enumerate(parts, start=1))


def earned(words: str, lines: str, *, tier: str = "1", currency: str = "CNY", **policies: Any) -> Evaluation:
    found, groups = rules(words, currency)
    document = program(
        *found,
        levels=[("held", tier)],
        groups=tuple(groups),
        currency=currency,
        policies=Policies(**policies),
    )
    event = sale(*bought(lines, currency), currency=currency)
    return evaluate(document, event, tier_code="held", cap_used={})


def by_rule(evaluation: Evaluation) -> str:
    """The points of each rule that applied, a dash for one that lost to another of its group."""
    given = {accrual.rule_id: str(accrual.points) for accrual in evaluation.accruals}
    told = [(trace.rule_id, given.get(trace.rule_id)) for trace in evaluation.traces]
    lost = {trace.rule_id for trace in evaluation.traces if trace.by is not None}
    return " ".join(points or "-" for rule_id, points in told if points is not None or rule_id in lost)


@pytest.mark.parametrize(("rounding", "words", "lines", "tier", "points", "parts"), table("Rounding"))
def test_rounding(rounding: str, words: str, lines: str, tier: str, points: str, parts: str) -> None:
    evaluation = earned(words, lines, tier=tier, rounding=Rounding(rounding))

    assert (evaluation.points, by_rule(evaluation)) == (int(points), parts)


@pytest.mark.parametrize(("policy", "words", "lines", "tier", "points"), table("Multipliers"))
def test_multipliers(policy: str, words: str, lines: str, tier: str, points: str) -> None:
    assert earned(words, lines, tier=tier, multipliers=Combination(policy)).points == int(points)


@pytest.mark.parametrize(("words", "lines", "points", "parts"), table("Groups"))
def test_groups(words: str, lines: str, points: str, parts: str) -> None:
    evaluation = earned(words, lines)

    assert (evaluation.points, by_rule(evaluation)) == (int(points), parts)


@pytest.mark.parametrize("period", [period for period in CapPeriod if period is not CapPeriod.EVENT])
@pytest.mark.parametrize(("cap", "used", "lines", "given", "fills"), table("Caps"))
def test_caps(cap: str, used: str, lines: str, given: str, fills: str, period: CapPeriod) -> None:
    limit, measure, overflow = cap.split()
    capped = Cap(int(limit), period, CapMeasure(measure), overflow=Overflow(overflow))
    starts = {
        CapPeriod.DAY: date(2017, 3, 1),
        CapPeriod.WEEK: date(2017, 2, 27),
        CapPeriod.MONTH: date(2017, 3, 1),
        CapPeriod.YEAR: date(2017, 1, 1),
        CapPeriod.LIFETIME: date.min,
    }
    key = CapKey(CapSubject.RULE, "base", capped.measure, period, starts[period])

    evaluation = evaluate(
        program(spend(caps=(capped,))), sale(*bought(lines)), tier_code="basic", cap_used={key: int(used)}
    )

    assert evaluation.points == int(given)
    assert evaluation.fillings == ({key: int(fills)} if int(fills) else {})


@pytest.mark.parametrize(("policy", "lines", "tax", "points_paid", "earns"), table("What of a receipt earns"))
def test_what_earns(policy: str, lines: str, tax: str, points_paid: str, earns: str) -> None:
    place, _, taxes = tax.partition(" ")
    amounts = [int(part) for part in taxes.split(",")] if taxes else [0, 0]
    priced = []
    for words, taxed in zip(lines.split(","), amounts, strict=True):
        found = re.fullmatch(r"(-?\d+)-(\d+)-(\d+)", words.strip())
        assert found is not None
        priced.append(PricedLine(int(found[1]), int(found[2]), int(found[3]), taxed))

    base = earn_base(BASES[policy], priced, prices_include_tax=place != "on", points_minor=int(points_paid or 0))

    assert base.lines == tuple(int(part) for part in earns.split(","))


@pytest.mark.parametrize(("currency", "words", "lines", "points"), table("Currencies"))
def test_currencies(currency: str, words: str, lines: str, points: str) -> None:
    assert earned(words, lines, currency=currency).points == int(points)


def window(words: str) -> Window:
    found = re.fullmatch(r"(?:(\S+) to (\S+))? ?(?:on (\d))? ?(?:(\d\d:\d\d)-(\d\d:\d\d))?", words)
    assert found is not None
    begins, ends, weekday, opens, closes = found.groups()
    return Window(
        from_date=date.fromisoformat(begins) if begins else None,
        until_date=date.fromisoformat(ends) if ends else None,
        weekdays=(int(weekday),) if weekday else (),
        from_time=time.fromisoformat(opens) if opens else None,
        until_time=time.fromisoformat(closes) if closes else None,
    )


@pytest.mark.parametrize(("zone", "words", "instant", "answer"), table("Windows"))
def test_windows(zone: str, words: str, instant: str, answer: str) -> None:
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)

    assert is_open(window(words), at.astimezone(ZoneInfo(zone))) is (answer == "yes")


def test_a_window_closes_a_rule_by_the_programs_own_clock() -> None:
    document = program(spend(window=Window(from_time=time(12), until_time=time(13))))

    assert evaluate(document, sale(line(1, 500)), tier_code="basic", cap_used={}).points == 5
    assert (
        evaluate(
            document, replace(sale(line(1, 500)), occurred_at=NOON.replace(hour=5)), tier_code="basic", cap_used={}
        ).points
        == 0
    )
