"""What the product says afterwards of all that was done at one merchant, read through its API."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from services.platform.clock import monotonic, wall_now
from tests.faults.merchant import Merchant
from tests.faults.wire import Caller, NoAnswer

READ_SECONDS_MAX = 60.0

LEDGER = """
query($by: MemberReferenceInput!, $after: String) { member(by: $by) {
  balances { pending available held owed }
  page: ledger(first: 100, after: $after) {
    edges { node { id kind points reason } } pageInfo { hasNextPage endCursor } } } }"""
PURCHASES = """
query($by: MemberReferenceInput!, $after: String) { member(by: $by) {
  page: purchases(first: 100, after: $after) {
    edges { node { id externalId points pointsTakenBack refunds { id externalId pointsTakenBack } } }
    pageInfo { hasNextPage endCursor } } } }"""
REDEMPTIONS = """
query($by: MemberReferenceInput!, $after: String) { member(by: $by) {
  page: redemptions(first: 100, after: $after) {
    edges { node { id points } } pageInfo { hasNextPage endCursor } } } }"""
USAGE = "query($from: Date!, $to: Date!) { usage(from: $from, to: $to) { meters { meter quantity facts } } }"


@dataclass(slots=True)
class Account:
    """One member: what the balance says, and what the entries add up to."""

    balance: int = 0
    entries_sum: int = 0


@dataclass(slots=True)
class Books:
    """Rows as the API gave them. More than one row under a key means that something was done twice."""

    accounts: list[Account] = field(default_factory=list)
    purchases: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    refunds: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    adjustments: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    redemptions: dict[int, dict[str, int]] = field(default_factory=dict)
    """By member: points by id."""
    explained: list[int] = field(default_factory=list)
    """By member: the balance as purchases, refunds, redemptions and adjustments would have it."""
    usage: dict[str, int] = field(default_factory=dict)


def read_books(merchant: Merchant, port: int) -> Books:
    """Everything that the API tells of a merchant's members."""
    caller = Caller(port, token=merchant.token)
    books = Books()
    for number, member_id in enumerate(merchant.member_ids):
        _read_member(caller, books, number, {"id": member_id})
    caller.close()
    books.usage = read_usage(merchant, port)
    return books


def read_usage(merchant: Merchant, port: int) -> dict[str, int]:
    """What the merchant has used so far, by meter."""
    caller = Caller(port, token=merchant.token)
    today = wall_now().date()
    period = {"from": str(today - timedelta(days=2)), "to": str(today + timedelta(days=2))}
    meters = _ask(caller, USAGE, period)["usage"]["meters"]
    caller.close()
    return {used["meter"]: used["quantity"] for used in meters}


def _read_member(caller: Caller, books: Books, number: int, by: dict[str, str]) -> None:
    account, explained = Account(), 0
    for page in _pages(caller, LEDGER, by):
        account.balance = sum(
            balance["pending"] + balance["available"] + balance["held"] - balance["owed"]
            for balance in page["balances"]
        )
        for entry in _nodes(page):
            account.entries_sum += entry["points"]
            if entry["kind"] == "ADJUSTMENT":
                books.adjustments[entry["reason"]].append(entry)
                explained += entry["points"]
    for page in _pages(caller, PURCHASES, by):
        for purchase in _nodes(page):
            books.purchases[purchase["externalId"]].append(purchase)
            explained += purchase["points"]
            for refund in purchase["refunds"]:
                books.refunds[refund["externalId"]].append(refund)
                explained -= refund["pointsTakenBack"]
    books.redemptions[number] = {
        node["id"]: node["points"] for page in _pages(caller, REDEMPTIONS, by) for node in _nodes(page)
    }
    books.accounts.append(account)
    books.explained.append(explained - sum(books.redemptions[number].values()))


def _pages(caller: Caller, document: str, by: dict[str, str]) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while True:
        member: dict[str, Any] = _ask(caller, document, {"by": by, "after": after})["member"]
        yield member
        if not member["page"]["pageInfo"]["hasNextPage"]:
            return
        after = member["page"]["pageInfo"]["endCursor"]


def _nodes(member: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (edge["node"] for edge in member["page"]["edges"])


def _ask(caller: Caller, document: str, variables: dict[str, Any]) -> dict[str, Any]:
    deadline = monotonic() + READ_SECONDS_MAX
    while True:
        try:
            return caller.ask(document, variables)
        except NoAnswer:
            if monotonic() > deadline:
                raise
