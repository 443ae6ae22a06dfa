"""A program's life over the API: exported and imported, published for later, compared, taken back and restored."""

import copy
from typing import Any

import pytest

from tests.support.graphql_client import GraphQLClient
from tests.support.story import Caller, Merchant, sign_up

FAR = "2099-01-01T00:00:00.000Z"
DIFF = """
query ($from: Int, $to: Int) {
  programDiff(fromVersion: $from, toVersion: $to) { kind path before after message }
}"""
VERSIONS = """{ program { versions(first: 9) { edges { node {
  number effectiveFrom restoresNumber withdrawnAt document
} } } } }"""


@pytest.fixture(scope="module")
def owner(shared_api: GraphQLClient) -> Merchant:
    merchant = sign_up(shared_api, "programs-of-mine")
    merchant.start_program(template="RETAIL")
    return merchant


def draft(owner: Caller) -> dict[str, Any]:
    found: dict[str, Any] = owner.ask("{ program { draft { revision document } } }")["draft"]
    return found


def versions(owner: Caller) -> list[dict[str, Any]]:
    return [edge["node"] for edge in owner.ask(VERSIONS)["versions"]["edges"]]


def test_what_is_exported_is_imported_without_a_change(owner: Merchant) -> None:
    before = draft(owner)

    saved = owner.do("saveProgramDraft", "draft { document }", **before)

    assert saved["draft"]["document"] == before["document"]
    assert owner.ask(DIFF, **{"from": 1, "to": None}) == []


def test_a_version_for_later_is_compared_withdrawn_and_an_older_one_restored(owner: Merchant) -> None:
    known = draft(owner)
    changed = copy.deepcopy(known["document"])
    changed["rules"][0]["formula"]["spend"]["points"] = 2
    saved = owner.do("saveProgramDraft", "draft { revision }", document=changed, revision=known["revision"])
    revision = saved["draft"]["revision"]

    later = owner.do("publishProgram", "version { number effectiveFrom }", revision=revision, effectiveFrom=FAR)
    chinese = owner.with_token(owner.client.token, accept_language="zh")
    told = [caller.ask(DIFF, **{"from": 1, "to": 2})[0] for caller in (owner, chinese)]
    withdrawn = owner.do("withdrawProgramVersion", "version { number withdrawnAt }", versionNumber=2)
    restored = owner.do("rollbackProgram", "version { number restoresNumber }", versionNumber=1)
    again = owner.do("rollbackProgram", "version { number restoresNumber }", versionNumber=1)

    assert later["version"] == {"number": 2, "effectiveFrom": FAR}
    assert [(change["kind"], change["path"], change["before"], change["after"]) for change in told] == [
        ("CHANGED", "/rules/every-purchase/formula/spend/points", 1, 2)
    ] * 2
    assert [change["message"] for change in told] == [
        "Rule “every-purchase” (1 point for every 1.00), formula › by spending › points changes from 1 to 2.",
        "规则“every-purchase”（每消费 1.00 得 1 积分），公式 › 按消费 › 积分由 1 改为 2。",
    ]
    assert withdrawn["version"]["withdrawnAt"] is not None
    assert restored["version"] == again["version"] == {"number": 3, "restoresNumber": 1}
    history = versions(owner)
    assert [(found["number"], found["restoresNumber"], found["withdrawnAt"] is None) for found in history] == [
        (3, 1, True),
        (2, None, False),
        (1, None, True),
    ]
    assert history[0]["document"] == history[2]["document"]
    assert owner.refused("withdrawProgramVersion", versionNumber=1) == "PROGRAM_VERSION_BEGUN"
    assert owner.refused("rollbackProgram", versionNumber=9) == "PROGRAM_VERSION_NOT_FOUND"
    past = "2020-01-01T00:00:00Z"
    assert owner.refused("publishProgram", revision=revision, effectiveFrom=past) == "PROGRAM_STARTS_IN_PAST"


def test_what_is_wrong_is_told_in_the_readers_language(owner: Merchant) -> None:
    known = draft(owner)
    known["document"]["rules"][0]["caps"] = [{"limit": 0, "per": "day"}]
    mutation = """mutation ($input: SaveProgramDraftInput!) { saveProgramDraft(input: $input) {
      ... on ProgramDocumentInvalid { problems { path code message } } } }"""

    told = [
        caller.ask(mutation, input=known)["problems"]
        for caller in (owner, owner.with_token(owner.client.token, accept_language="zh"))
    ]

    assert [problems[0]["path"] for problems in told] == ["/rules/0/caps/0/limit"] * 2
    assert [problems[0]["message"] for problems in told] == [
        "Rule “every-purchase” (1 point for every 1.00), caps › #1 › limit: The value is too small. Give 1 or more.",
        "规则“every-purchase”（每消费 1.00 得 1 积分），上限 › #1 › 限额：数值过小，请填写不小于 1 的值。",
    ]


def test_the_schema_can_be_asked_for(owner: Merchant) -> None:
    schema = owner.ask("{ program { schema } }")["schema"]

    assert schema["$id"] == "urn:regulars:program-document:v2"
    assert draft(owner)["document"].keys() <= schema["properties"].keys()


def test_deep_conditions_pass_the_door(owner: Merchant) -> None:
    known = draft(owner)
    condition: dict[str, Any] = {"field": "line.category", "op": "under", "value": [["a", "b"]]}
    for _ in range(7):
        condition = {"any": [condition]}
    known["document"]["rules"][0]["lines"] = condition

    saved = owner.do("saveProgramDraft", "draft { document }", **known)

    assert saved["draft"]["document"]["rules"][0]["lines"] == condition
