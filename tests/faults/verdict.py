"""The verdict: what tills were told, against what the product says afterwards."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from services.loyalty.ledger.queries import verify
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import open_database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.tenancy.registry import tenant_by_slug
from tests.faults.books import Books, read_books, read_usage
from tests.faults.letters import Letters, check_receipts
from tests.faults.load import Kind, Told, read_logs
from tests.faults.merchant import Merchant
from tests.faults.stack import Stack

RECOVERY_SECONDS_MAX = 120.0
"""Sanity, not a promise of speed: machines are shared."""
METERED_SECONDS_MAX = 60.0
SHOWN_MAX = 5


@dataclass(slots=True)
class Verdict:
    """One experiment's row. ``complaints`` is empty when the bar was met."""

    experiment: str
    injected: int
    acknowledged: int = 0
    unanswered: int = 0
    lost: int = 0
    doubled: int = 0
    leaked: int = 0
    receipts: int = 0
    missing_receipts: int = 0
    repeats: int = 0
    unexplained_repeats: int = 0
    recovery_seconds: float | None = None
    note: str = ""
    """What else was counted, for the reader of the table."""
    complaints: list[str] = field(default_factory=list)

    def complain(self, what: str, cases: list[str]) -> None:
        """Note a failure with its first cases; none, no failure."""
        if cases:
            more = " …" if len(cases) > SHOWN_MAX else ""
            self.complaints.append(f"{len(cases)} {what}: {', '.join(cases[:SHOWN_MAX])}{more}")

    def note_sent(self, seconds: float | None) -> None:
        """Note after how long everything was sent (`Letters.sent_after`); None, that it was not, is a failure."""
        if seconds is None:
            self.complaints.append("letters still wait long after the last injury")
        else:
            self.recovery_seconds = seconds


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an experiment leaves for its verdict. ``recoveries`` are seconds from "it accepts again" to a success."""

    experiment: str
    injected: int
    logs: Path
    acknowledged_min: int
    leaks: tuple[str, ...] = ()
    recoveries: tuple[float, ...] = ()


def judge(stack: Stack, merchant: Merchant, letters: Letters, evidence: Evidence) -> Verdict:
    """The verdict on one experiment; the load is over and the product runs."""
    told, books = read_logs(evidence.logs), read_books(merchant, stack.gateway_port)
    verdict = Verdict(evidence.experiment, evidence.injected)
    verdict.acknowledged = sum(request.answer is not None for request in told.values())
    verdict.unanswered = sum(request.is_open for request in told.values())
    if verdict.injected == 0:
        verdict.complaints.append("nothing was injected")
    if verdict.acknowledged < max(1, evidence.acknowledged_min):
        verdict.complaints.append(f"only {verdict.acknowledged} of {evidence.acknowledged_min} requests acknowledged")
    _check_requests(verdict, told, books)
    _check_redemptions(verdict, told, books)
    _check_strangers(verdict, told, books)
    _check_accounts(verdict, books)
    _check_ledger(verdict, stack, merchant)
    _check_usage(verdict, letters, books)
    _check_leaks(verdict, stack, merchant, evidence)
    _check_receipts(verdict, letters, books)
    _check_life(verdict, stack, merchant, books)
    verdict.recovery_seconds = max(evidence.recoveries, default=None)
    slow = [f"{seconds:.1f} s" for seconds in evidence.recoveries if seconds > RECOVERY_SECONDS_MAX]
    verdict.complain("recoveries took for ever", slow)
    return verdict


def _check_requests(verdict: Verdict, told: Mapping[str, Told], books: Books) -> None:
    """Acknowledged: there, once, as told. Refused: not there. Unanswered: there once at most."""
    shelves = {Kind.PURCHASE: books.purchases, Kind.REFUND: books.refunds, Kind.ADJUSTMENT: books.adjustments}
    lost, doubled, differs, refused = list[str](), list[str](), list[str](), list[str]()
    for request in told.values():
        if request.kind not in shelves:
            continue
        rows = shelves[request.kind].get(request.key, [])
        if len(rows) > 1:
            doubled.append(request.key)
        if request.answer is not None and not rows:
            lost.append(request.key)
        if request.answer is not None and rows and not _agrees(request, rows[0]):
            differs.append(request.key)
        if request.refusal is not None:
            refused.append(f"{request.key} {request.refusal}{' but done' if rows else ''}")
    verdict.lost += len(lost)
    verdict.doubled += len(doubled)
    verdict.complain("acknowledged and lost", lost)
    verdict.complain("done twice", doubled)
    verdict.complain("not as they were acknowledged", differs)
    # Nothing in the load may be refused: every member has funds, and nothing is refunded twice.
    verdict.complain("refused", refused)
    verdict.complain("answered with an internal error", [r.key for r in told.values() if r.unforeseen])


def _agrees(request: Told, row: Mapping[str, object]) -> bool:
    answer = request.answer or {}
    name, points = {
        Kind.PURCHASE: ("purchase", "points"),
        Kind.REFUND: ("refund", "pointsTakenBack"),
        Kind.ADJUSTMENT: ("entry", "points"),
    }[request.kind]
    shown = answer[name]
    return bool(shown and shown["id"] == row["id"] and answer["points"] == row[points])


def _check_redemptions(verdict: Verdict, told: Mapping[str, Told], books: Books) -> None:
    """A redemption has no number of the till's, so those that nobody was told of are counted by member."""
    asked = [request for request in told.values() if request.kind is Kind.REDEMPTION]
    given = {request.key: shown["id"] for request in asked if (shown := (request.answer or {}).get("redemption"))}
    stored = {redemption_id for found in books.redemptions.values() for redemption_id in found}
    acknowledged = {request.key for request in asked if request.answer is not None}
    lost = [key for key in acknowledged if given.get(key) not in stored]
    surplus = list[str]()
    for member, found in books.redemptions.items():
        unclaimed = len(set(found) - set(given.values()))
        unanswered = sum(request.is_open for request in asked if request.member == member)
        surplus += [f"member {member}"] * max(0, unclaimed - unanswered)
    verdict.lost += len(lost)
    verdict.doubled += len(surplus)
    verdict.complain("redemptions acknowledged and lost", lost)
    verdict.complain("redemptions that nobody asked for", surplus)
    verdict.complain("redemptions told of twice", ["…"] * (len(given) - len(set(given.values()))))


def _check_strangers(verdict: Verdict, told: Mapping[str, Told], books: Books) -> None:
    stored = {*books.purchases, *books.refunds, *books.adjustments} - {"funds"}
    verdict.complain("never asked for", sorted(stored - set(told)))


def _check_accounts(verdict: Verdict, books: Books) -> None:
    """Each balance is the sum of its entries, and what the member did explains it."""
    wrong = [
        f"member {number}: {account.balance}, entries {account.entries_sum}, history {explained}"
        for number, (account, explained) in enumerate(zip(books.accounts, books.explained, strict=True))
        if not account.balance == account.entries_sum == explained
    ]
    verdict.complain("balances wrong", wrong)


def _check_ledger(verdict: Verdict, stack: Stack, merchant: Merchant) -> None:
    """What ``ledger verify`` says: sums zero, balances, lots, hash chains."""
    database = open_database(stack.postgres.app_url, pool_size=1)
    try:
        with read_session(database, PLATFORM, now=wall_now()) as session:
            tenant = tenant_by_slug(session, merchant.slug)
        assert tenant is not None
        with read_session(database, tenant.home, now=tenant.now(wall_now())) as session:
            found = verify(session, progress=lambda *_: None)
    finally:
        database.close()
    if found.entries == 0:
        verdict.complaints.append("the ledger is empty")
    verdict.complain("faults in the ledger", [str(fault) for fault in found.faults])


def _check_usage(verdict: Verdict, letters: Letters, books: Books) -> None:
    sent = sum(state == "sent" for _, state in letters.messages().values())
    for meter, expected in (
        ("purchases", sum(len(rows) for rows in books.purchases.values())),
        ("redemptions", sum(len(found) for found in books.redemptions.values())),
        ("messages.email", sent),
    ):
        counted = books.usage.get(meter, 0)
        if counted != expected:
            verdict.complaints.append(f"usage of {meter} is {counted}, not {expected}")


def _check_life(verdict: Verdict, stack: Stack, merchant: Merchant, books: Books) -> None:
    """No process ended by itself, and the thread that meters the cost of reads still does."""
    verdict.complain("ended without being killed", stack.ended())
    deadline = monotonic() + METERED_SECONDS_MAX
    while read_usage(merchant, stack.gateway_port).get("api_cost", 0) <= books.usage.get("api_cost", 0):
        if monotonic() > deadline:
            verdict.complaints.append("the cost of the API is no longer counted")
            return
        time.sleep(0.1)


def _check_leaks(verdict: Verdict, stack: Stack, merchant: Merchant, evidence: Evidence) -> None:
    """Keys without an answer, which only the transaction that claims them may see; and what was left of the killed."""
    unsettled = sql.SQL("SELECT operation || ' ' || key FROM {}.idempotency_keys WHERE result IS NULL").format(
        sql.Identifier(merchant.schema)
    )
    with psycopg.connect(stack.postgres.superuser_url, autocommit=True) as connection:
        keys = [str(row[0]) for row in connection.execute(unsettled)]
    verdict.leaked = len(keys) + len(evidence.leaks)
    verdict.complain("keys without an answer", keys)
    verdict.complain("connections or locks left", list(evidence.leaks))


def _check_receipts(verdict: Verdict, letters: Letters, books: Books) -> None:
    receipts = check_receipts(letters, books)
    verdict.receipts, verdict.repeats = receipts.accepted, receipts.repeats
    verdict.missing_receipts = len(receipts.missing)
    verdict.unexplained_repeats = len(receipts.unexplained)
    verdict.complain("never told by e-mail", receipts.missing)
    verdict.complain("e-mails of no message", receipts.strangers)
    verdict.complain("repeated though not in flight at a kill", receipts.unexplained)
    given_up = [notice for notice, (_, state) in letters.messages().items() if state != "sent"]
    verdict.complain("messages given up", given_up)
