"""Sentences about program documents: complete in both languages, and naming the part, the place and the remedy."""

import re
import string
from typing import Any

import pytest

from services.gateway.context.request import Locale
from services.gateway.graphql.programs.wording import change_message, problem_message, program_catalog
from services.loyalty.programs.domain import document_schema, parse_document
from services.loyalty.programs.domain.differences import differences
from services.loyalty.programs.domain.places import PARTS
from services.loyalty.programs.errors import ProblemCode, ProgramDocumentInvalid
from tests.unit.loyalty.programs.bad_documents import BAD, Case, label
from tests.unit.loyalty.programs.plain import level_data, plain, plain_data, rule_data


def keys_of(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(keys_of, schema))
    if not isinstance(schema, dict):
        return set()
    return {*schema.get("properties", {}), *set().union(*map(keys_of, schema.values()))}


def test_every_problem_and_every_key_has_its_words_in_both_languages() -> None:
    english, chinese = program_catalog(Locale.EN), program_catalog(Locale.ZH)
    needed = {f"PROBLEM.{code}" for code in ProblemCode} | {f"PLACE.{key}" for key in keys_of(document_schema())}
    needed |= {f"PART.{steps[-1]}" for steps in PARTS}

    assert needed <= set(english)
    assert set(english) == set(chinese)
    for key, text in english.items():
        assert placeholders(text) == placeholders(chinese[key]), key
        assert text.strip(), key
        assert chinese[key].strip(), key
    for code in ProblemCode:
        assert re.search(r"[\u4e00-\u9fff]", chinese[f"PROBLEM.{code}"]), code


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("case", BAD, ids=label)
def test_every_bad_document_is_told_in_both_languages(case: Case) -> None:
    place, value, *_ = case
    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(plain_data({place: value}))
    (problem,) = refusal.value.problems

    english, chinese = problem_message(problem, Locale.EN), problem_message(problem, Locale.ZH)

    assert english.endswith(".")
    assert chinese.endswith("。")
    assert english != chinese
    for fact in problem.facts.values():
        assert fact == "" or str(fact) in english or problem.facts.get("rule") == fact


@pytest.mark.parametrize(
    ("place", "value", "english", "chinese"),
    [
        (
            "/rules/0/formula/spend/points",
            0,
            "Rule “base” (Base), formula › by spending › points: The value is too small. Give 1 or more.",
            "规则“base”（基础），公式 › 按消费 › 积分：数值过小，请填写不小于 1 的值。",
        ),
        (
            "/rules/0/caps",
            [{"limit": 5, "per": "week"}, {"limit": 5, "per": "fortnight"}],
            (
                "Rule “base” (Base), caps › #2 › per: This is none of the choices."
                " Take one of: event, day, week, month, year, lifetime."
            ),
            "规则“base”（基础），上限 › #2 › 每：不在可选范围内，请选择：event, day, week, month, year, lifetime。",
        ),
        (
            "/rules/0/id",
            "",
            "Rule “#1” (Base), id: The text does not have the form that is needed here: ^[a-z0-9]+(-[a-z0-9]+)*$.",
            "规则“#1”（基础），标识：文字不符合此处要求的格式：^[a-z0-9]+(-[a-z0-9]+)*$。",
        ),
        (
            "/timezone",
            "Mars",
            "Time zone: There is no such time zone. Use an IANA name, such as Asia/Shanghai.",
            "时区：没有这个时区。请使用 IANA 名称，例如 Asia/Shanghai。",
        ),
        (
            "/tiers/levels/1/threshold",
            0,
            "Tier “gold” (Gold), threshold: The tier before it is reached at 0 already. Give more than that.",
            "等级“gold”（金卡），门槛：前一等级的门槛已是 0，请填写更大的值。",
        ),
    ],
)
def test_a_problem_names_the_part_the_place_and_what_helps(
    place: str, value: object, english: str, chinese: str
) -> None:
    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(plain_data({place: value}))
    (problem,) = refusal.value.problems

    assert problem_message(problem, Locale.EN) == english
    assert problem_message(problem, Locale.ZH) == chinese


@pytest.mark.parametrize(
    ("changes", "english", "chinese"),
    [
        (
            {"/rules/0/formula/spend/points": 2},
            "Rule “base” (Base), formula › by spending › points changes from 1 to 2.",
            "规则“base”（基础），公式 › 按消费 › 积分由 1 改为 2。",
        ),
        ({"/rules/1": rule_data("more")}, "Rule “more” (Rule) is added.", "新增规则“more”（规则）。"),
        (
            {"/policies": {"transfers": {"allowed": True}}},
            "Policies › transfers › allowed changes from no to yes.",
            "政策 › 转赠 › 允许由 否 改为 是。",
        ),
        (
            {"/rules/0/when": {"field": "store.code", "op": "eq", "value": "S1"}},
            'Rule “base” (Base), condition is added: {"field": "store.code", "op": "eq", "value": "S1"}.',
            '新增规则“base”（基础），条件：{"field": "store.code", "op": "eq", "value": "S1"}。',
        ),
        ({"/tiers/levels/2": level_data("top", 9999)}, "Tier “top” (L) is added.", "新增等级“top”（级）。"),
    ],
)
def test_a_change_is_told_as_a_sentence(changes: dict[str, object], english: str, chinese: str) -> None:
    (change,) = differences(plain(), plain(changes))

    assert change_message(change, Locale.EN) == english
    assert change_message(change, Locale.ZH) == chinese
