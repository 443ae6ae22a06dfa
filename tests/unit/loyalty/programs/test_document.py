from decimal import Decimal

import pytest

from services.loyalty.programs.domain import (
    AllOf,
    Cap,
    CapOwner,
    CapPeriod,
    Comparison,
    CurrencyAmount,
    EarnRule,
    LocalizedText,
    Not,
    Operator,
    Policies,
    SpendFormula,
    Trigger,
    document_json,
    parse_document,
)
from services.loyalty.programs.errors import DocumentProblem, ProblemCode, ProgramDocumentInvalid, TierNotInProgram
from tests.unit.loyalty.programs.bad_documents import BAD, Case, label
from tests.unit.loyalty.programs.plain import DELETED, plain, plain_data


@pytest.mark.parametrize("case", BAD, ids=label)
def test_a_bad_document_has_exactly_its_problem(case: Case) -> None:
    place, value, path, code, facts = case
    data = plain_data({place: value})

    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(data)

    assert refusal.value.problems == (DocumentProblem(path, ProblemCode(code), facts),)


def test_more_than_forty_kinds_of_bad_documents_are_told_apart() -> None:
    places = [(code, "".join(step for step in path if not step.isdigit())) for _, _, path, code, _ in BAD]

    assert len(set(places)) > 40
    assert len({code for code, _ in places}) >= 25


def test_all_problems_come_at_once() -> None:
    changes = {"/currency": "XYZ", "/rules/0/formula": {"fixed": 0}, "/tiers/levels/0/name": DELETED, "/x": 1}
    data = plain_data(changes)

    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(data)

    assert [(problem.path, problem.code.value) for problem in refusal.value.problems] == [
        ("/x", "UNKNOWN_KEY"),
        ("/currency", "UNKNOWN_CURRENCY"),
        ("/rules/0/formula/fixed", "TOO_SMALL"),
        ("/tiers/levels/0/name", "MISSING"),
    ]


def test_no_more_than_200_problems_are_collected() -> None:
    data = plain_data({f"/x{n}": n for n in range(300)})

    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(data)

    assert len(refusal.value.problems) == 200


@pytest.mark.parametrize("data", [[], "text", None, 1])
def test_a_document_is_an_object(data: object) -> None:
    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(data)  # type: ignore[arg-type]  # what a client may send in its place

    assert refusal.value.problems == (DocumentProblem("", ProblemCode.WRONG_TYPE, {"expected": "object"}),)


def test_what_is_not_said_takes_its_default() -> None:
    parsed = plain()

    assert parsed.policies == Policies()
    assert parsed.rules == (
        EarnRule(
            id="base",
            name=LocalizedText("Base", "基础"),
            trigger=Trigger.PURCHASE,
            formula=SpendFormula(1, (CurrencyAmount("CNY", 100),)),
        ),
    )


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ({}, {}),
        ({"expiryNoticeDays": 30, "noSilentExpiry": "on"}, {}),
        ({"expiryNoticeDays": 0}, {"expiryNoticeDays": 0}),
        ({"expiryNoticeDays": 0, "noSilentExpiry": "off"}, {"expiryNoticeDays": 0, "noSilentExpiry": "off"}),
        ({"noSilentExpiry": "report"}, {"noSilentExpiry": "report"}),
    ],
)
def test_no_points_end_silently_unless_the_program_says_so(said: dict[str, object], written: dict[str, object]) -> None:
    document = parse_document(plain_data({"/policies": said}))

    assert document.policies.no_silent_expiry.value == said.get("noSilentExpiry", "on")
    assert document_json(document).get("policies", {}) == written


def test_what_has_its_default_is_not_written() -> None:
    said = {"backdatingDays": 30, "owing": "forbid", "base": {"tax": "as_priced"}}
    parsed = plain({"/policies": said, "/rules/0/caps": [], "/rules/0/window": {}, "/rules/0/stackable": True})

    assert document_json(parsed) == plain_data()


def test_conditions_are_read_and_written() -> None:
    lines = {
        "all": [
            {"field": "line.category", "op": "under", "value": [["Food", "Fresh"]]},
            {"not": {"field": "line.category", "op": "under", "value": [["Food", "Fresh", "Fish"]]}},
        ]
    }
    parsed = plain({"/rules/0/lines": lines})

    assert parsed.rules[0].lines == AllOf(
        (
            Comparison("line.category", Operator.UNDER, (("Food", "Fresh"),)),
            Not(Comparison("line.category", Operator.UNDER, (("Food", "Fresh", "Fish"),))),
        )
    )
    assert document_json(parsed)["rules"][0]["lines"] == lines


def test_maps_and_weekdays_have_one_order() -> None:
    parsed = plain({"/rules/0/formula/spend/per": {"USD": 15, "CNY": 100}, "/rules/0/window": {"weekdays": [7, 1, 6]}})

    assert parsed.rules[0].formula == SpendFormula(1, (CurrencyAmount("CNY", 100), CurrencyAmount("USD", 15)))
    assert parsed.rules[0].window.weekdays == (1, 6, 7)


def test_caps_say_whose_they_are() -> None:
    parsed = plain({"/rules/0/caps": [{"limit": 9, "per": "month", "owner": "everyone"}]})

    assert parsed.rules[0].caps == (Cap(9, CapPeriod.MONTH, owner=CapOwner.EVERYONE),)


def test_emoji_and_any_script_are_welcome_in_names() -> None:
    assert plain({"/name/en": "Café 🥐 نادي"}).name.en == "Café 🥐 نادي"


@pytest.mark.parametrize(
    ("written", "canonical"), [("1.50", "1.5"), ("100", "100"), ("010", "10"), ("0.0001", "0.0001"), ("2.0000", "2")]
)
def test_a_multiplier_is_written_without_idle_zeros(written: str, canonical: str) -> None:
    parsed = plain({"/tiers/levels/1/multiplier": written})

    assert document_json(parsed)["tiers"]["levels"][1]["multiplier"] == canonical
    assert parsed.tiers.levels[1].multiplier == Decimal(written)


def test_a_tier_is_found_by_its_code() -> None:
    tiers = plain().tiers

    assert tiers.level("gold").threshold == 1000
    with pytest.raises(TierNotInProgram) as refusal:
        tiers.level("platinum")
    assert refusal.value.tier_code == "platinum"
