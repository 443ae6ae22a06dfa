"""After-sales cases over the API: what a member sees and does, and what of it is for the staff alone."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.builders.documents import document
from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.story import Caller, Merchant, receipt, sign_up

CASE = """id kind status nextStatuses subject openedBy lines { position quantity reason }
  effect { pointsTakenBack pointsReturned pointsEarned owed shortfall balance needsDecision { kind points } }
  refund { amount { amount } pointsTakenBack } purchase { id }
  history { kind by fromStatus toStatus assigneeName text isInternal }"""
MINE = f"{{ me {{ cases {{ edges {{ node {{ {CASE} }} }} }} balances {{ available }} }} }}"
NODE = f"query ($id: ID!) {{ node(id: $id) {{ ... on Case {{ {CASE} }} }} }}"
STAFFS = f"query ($id: ID!) {{ case(id: $id) {{ {CASE} assigneeName isMine }} }}"
FOR_STAFF = "query ($id: ID!) { node(id: $id) { ... on Case { %s } } }"
HIDDEN = "She returns a lot"


@dataclass(frozen=True, slots=True)
class Counter:
    """A merchant with two members; the first has bought a coat and a scarf, for a point for each yuan."""

    owner: Merchant
    mia: Caller
    noah: Caller
    purchase: str

    def open(self, who: Caller, **given: Any) -> dict[str, Any]:
        """Somebody brings the scarf back; the case."""
        values = {
            "kind": "RETURN",
            "subject": "Too small",
            "purchase": {"id": self.purchase},
            "lines": [{"position": 2, "quantity": "1", "reason": "It scratches"}],
            "note": "Can I bring it to any store?",
            "idempotencyKey": fresh_key(),
        }
        found: dict[str, Any] = who.do("openCase", f"case {{ {CASE} }}", **(values | given))["case"]
        return found

    def move(self, case_id: str, status: str, **given: Any) -> None:
        values = {"caseId": case_id, "status": status, "idempotencyKey": fresh_key()}
        self.owner.do("moveCase", "replayed", **values, **given)

    def note(self, who: Caller, case_id: str, text: str, **given: Any) -> None:
        who.do("noteCase", "replayed", caseId=case_id, text=text, idempotencyKey=fresh_key(), **given)

    def complete(self, case_id: str) -> None:
        self.owner.do("completeCase", "replayed", caseId=case_id, idempotencyKey=fresh_key())


@pytest.fixture
def counter(gateway: GraphQLClient) -> Counter:
    owner = sign_up(gateway, "aftercare")
    store = owner.open_store()
    owner.publish(document())
    members = [owner.enroll(), owner.enroll()]
    bought = owner.do("recordPurchase", "purchase { id }", **receipt(store, "60.00", "40.00", member=members[0]))
    mia, noah = (
        owner.with_token(owner.do("createMemberToken", "token", memberId=member)["token"]) for member in members
    )
    return Counter(owner, mia, noah, bought["purchase"]["id"])


def test_a_member_follows_a_return_from_the_first_word_to_the_points(counter: Counter) -> None:
    opened = counter.open(counter.mia)
    case_id = opened["id"]
    counter.owner.do("assignCase", "case { id }", caseId=case_id, to={"me": True})
    counter.move(case_id, "IN_PROGRESS")
    counter.note(counter.owner, case_id, HIDDEN, isInternal=True)
    counter.note(counter.owner, case_id, "Any store will do")
    counter.move(case_id, "WAITING_FOR_MEMBER", reason="Please bring the receipt")
    counter.note(counter.mia, case_id, "Here it is")
    waiting = counter.mia.ask(NODE, id=case_id)
    counter.move(case_id, "APPROVED")
    counter.complete(case_id)

    assert (opened["status"], opened["openedBy"], opened["effect"]) == ("OPEN", "MEMBER", None)
    assert opened["lines"] == [{"position": 2, "quantity": "1", "reason": "It scratches"}]
    # A word of the member takes the case back to the staff.
    assert waiting["status"] == "IN_PROGRESS"
    seen = counter.mia.ask(MINE)
    (edge,) = seen["cases"]["edges"]
    case = edge["node"]
    assert (case["id"], case["status"], case["subject"]) == (case_id, "COMPLETED", "Too small")
    assert case["purchase"] == {"id": counter.purchase}
    assert case["effect"] == {
        "pointsTakenBack": 40,
        "pointsReturned": 0,
        "pointsEarned": 0,
        "owed": 0,
        "shortfall": 0,
        "balance": 60,
        "needsDecision": [],
    }
    assert case["refund"] == {"amount": {"amount": "40.00"}, "pointsTakenBack": 40}
    assert seen["balances"] == [{"available": 60}]
    assert [(one["kind"], one["by"], one["toStatus"], one["text"]) for one in case["history"]] == [
        ("OPENED", "MEMBER", "OPEN", "Can I bring it to any store?"),
        ("MOVED", "STAFF", "IN_PROGRESS", None),
        ("NOTED", "STAFF", None, "Any store will do"),
        ("MOVED", "STAFF", "WAITING_FOR_MEMBER", "Please bring the receipt"),
        ("NOTED", "MEMBER", None, "Here it is"),
        ("MOVED", "MEMBER", "IN_PROGRESS", None),
        ("MOVED", "STAFF", "APPROVED", None),
        ("MOVED", "STAFF", "COMPLETED", None),
    ]
    assert {(one["isInternal"], one["assigneeName"]) for one in case["history"]} == {(False, None)}


def test_the_staff_see_what_a_member_does_not(counter: Counter) -> None:
    case_id = counter.open(counter.mia)["id"]
    counter.owner.do("assignCase", "case { id }", caseId=case_id, to={"me": True})
    counter.note(counter.owner, case_id, HIDDEN, isInternal=True)

    staffs = counter.owner.ask(STAFFS, id=case_id)
    answers = [
        counter.mia.send(MINE),
        counter.mia.send(NODE, {"id": case_id}),
        counter.mia.send("{ me { purchases { edges { node { cases { history { text } } } } } } }"),
    ]

    assert (staffs["isMine"], staffs["assigneeName"]) == (True, f"Owner of {counter.owner.slug}")
    assert [(one["kind"], one["text"], one["isInternal"]) for one in staffs["history"]] == [
        ("OPENED", "Can I bring it to any store?", False),
        ("ASSIGNED", None, True),
        ("NOTED", HIDDEN, True),
    ]
    for answer in answers:
        assert answer.data
        assert HIDDEN not in str(answer.content)
        assert "Owner of" not in str(answer.content)
    for field in ("assigneeName", "isMine"):
        assert counter.mia.send(FOR_STAFF % field, {"id": case_id}).code == "FORBIDDEN"
    listed = counter.mia.send("{ cases { edges { node { id } } } }")
    assert listed.code == "FORBIDDEN"


def test_another_members_case_is_not_there(counter: Counter) -> None:
    """Neither to be seen nor to be moved, in the very words for a case that does not exist."""
    case_id = counter.open(counter.owner)["id"]
    key = {"idempotencyKey": fresh_key()}

    assert counter.mia.ask(NODE, id=case_id)["id"] == case_id
    assert counter.noah.ask(NODE, id=case_id) is None
    assert counter.noah.ask(MINE) == {"cases": {"edges": []}, "balances": []}
    assert counter.noah.send(STAFFS, {"id": case_id}).code == "FORBIDDEN"
    assert counter.noah.refused("noteCase", caseId=case_id, text="Mine", **key) == "CASE_NOT_FOUND"
    assert counter.noah.refused("moveCase", caseId=case_id, status="CLOSED", **key) == "CASE_NOT_FOUND"
    opening = {"kind": "RETURN", "subject": "Mine", "purchase": {"id": counter.purchase}}
    lines = [{"position": 1, "quantity": "1"}]
    assert counter.noah.refused("openCase", **opening, lines=lines, **key) == "PURCHASE_NOT_FOUND"
    case = counter.mia.ask(NODE, id=case_id)
    assert (case["status"], [one["kind"] for one in case["history"]]) == ("OPEN", ["OPENED"])


def test_a_member_writes_and_gives_up_but_decides_nothing(counter: Counter) -> None:
    case_id = counter.open(counter.mia)["id"]
    key = {"idempotencyKey": fresh_key()}

    secret = counter.mia.refused("noteCase", caseId=case_id, text="Psst", isInternal=True, **key)
    assert secret == "INVALID_INPUT"
    assert counter.mia.refused("moveCase", caseId=case_id, status="APPROVED", **key) == "CASE_MOVE_REFUSED"
    assert counter.mia.refused("completeCase", caseId=case_id, **key) == "FORBIDDEN"
    assert counter.mia.refused("assignCase", caseId=case_id, to={"me": True}) == "FORBIDDEN"
    gone = counter.mia.do("moveCase", f"case {{ {CASE} }}", caseId=case_id, status="CLOSED", **key)["case"]
    assert (gone["status"], gone["nextStatuses"], gone["effect"]) == ("CLOSED", [], None)
    assert counter.mia.ask(MINE)["balances"] == [{"available": 100}]
