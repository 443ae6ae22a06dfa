"""Points go out for rewards, in and out by staff: soonest expiry first, exact to the lot."""

from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain import EntryKind
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import QuoteCart, QuotedLine
from services.loyalty.redemptions import queries as redemptions
from services.loyalty.rewards import service as rewards
from services.loyalty.rewards.domain import UpdateReward
from services.loyalty.stores.domain import Store
from services.platform.db.session import UnitOfWork
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import NOW, Merchant, lines


def expire_at(merchant: Merchant, entry_id: UUID, instant: datetime) -> None:
    """Give the lot of an entry an end, as a program with expiry will."""
    merchant.do(
        lambda uow: uow.execute(
            "UPDATE ledger_lots SET expires_at = %(end)s WHERE origin_entry_id = %(entry)s",
            {"end": instant, "entry": entry_id},
        )
    )


def activate_at(merchant: Merchant, entry_id: UUID, instant: datetime) -> None:
    """Let the lot of an entry be pending, as a program with activation will."""

    def set_back(uow: UnitOfWork) -> None:
        values = {"begin": instant, "entry": entry_id}
        uow.execute(
            "UPDATE ledger_lots SET state = 'pending', activates_at = %(begin)s WHERE origin_entry_id = %(entry)s",
            values,
        )
        uow.execute(
            "UPDATE ledger_balances SET pending_in = pending_in + amount, available_in = available_in - amount"
            " FROM ledger_lots WHERE origin_entry_id = %(entry)s AND ledger_balances.holder_id = ledger_lots.holder_id",
            values,
        )

    merchant.do(set_back)


def lots(merchant: Merchant, member_id: UUID) -> list[tuple[int, int]]:
    found = merchant.read(lambda session: ledger.lots(session, holder_id=member_id, limit=100))
    return [(lot.amount, lot.remaining) for lot in found]


def test_a_redemption_draws_the_lots_that_expire_soonest(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    merchant.buy(store, member_id, 2_000)
    sooner = merchant.adjust(member_id, 8)
    expire_at(merchant, sooner.entry_id, NOW + timedelta(days=2))
    coffee = merchant.reward(cost=12, stock=3)

    redeemed = merchant.redeem(member_id, coffee, store_id=store.id, expected_points=12)

    assert (redeemed.points, redeemed.balance, redeemed.replayed) == (12, 16, False)
    assert lots(merchant, member_id) == [(20, 16), (8, 0)]
    assert merchant.balance(member_id) == Balance(member_id, "points", available=16, earned=20, spent=12, adjusted=8)
    stored = merchant.read(lambda session: redemptions.redemption_by_id(session, redemption_id=redeemed.redemption_id))
    assert stored is not None
    assert (stored.reward_version_id, stored.store_id, stored.points) == (coffee.version_id, store.id, 12)
    assert merchant.rows("SELECT stock FROM rewards") == [{"stock": 2}]
    assert merchant.rows("SELECT event_id FROM usage_facts WHERE meter = 'redemptions'") == [
        {"event_id": redeemed.redemption_id}
    ]
    letter = merchant.rows("SELECT payload FROM outbox WHERE type = 'RewardRedeemed'")[0]["payload"]
    assert (letter["reward_name_en"], letter["points"], letter["balance"]) == ("Coffee", 12, 16)
    assert merchant.verdict().faults == ()


def test_the_price_is_that_of_the_present_version(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    merchant.buy(store, member_id, 5_000)
    coffee = merchant.reward(cost=10)
    content = coffee.content.__class__(coffee.content.kind, "Coffee", "咖啡", "", "", 15)
    dearer = merchant.do(lambda uow: rewards.update_reward(uow, command=UpdateReward(coffee.id, 1, content)))

    redeemed = merchant.redeem(member_id, coffee)

    assert (redeemed.points, redeemed.balance) == (15, 35)
    assert merchant.rows("SELECT reward_version_id FROM redemptions") == [{"reward_version_id": dearer.version_id}]


def test_what_is_due_is_settled_before_points_are_spent(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    lapsing = merchant.adjust(member_id, 30)
    waiting = merchant.adjust(member_id, 20)
    expire_at(merchant, lapsing.entry_id, NOW + timedelta(days=1))
    activate_at(merchant, waiting.entry_id, NOW + timedelta(days=2))
    merchant.now = NOW + timedelta(days=3)

    assert merchant.balance(member_id).available == 20
    redeemed = merchant.redeem(member_id, merchant.reward(cost=20))

    assert redeemed.balance == 0
    assert lots(merchant, member_id) == [(30, 0), (20, 0)]
    entries = merchant.read(lambda session: ledger.entries_page(session, holder_id=member_id, limit=9))
    assert [(entry.kind, entry.header.occurred_at) for entry in entries[:3]] == [
        (EntryKind.REDEMPTION, merchant.now),
        (EntryKind.ACTIVATION, NOW + timedelta(days=2)),
        (EntryKind.EXPIRY, NOW + timedelta(days=1)),
    ]
    assert merchant.balance(member_id).expired == 30


def test_adjustments_make_and_draw_lots(merchant: Merchant) -> None:
    version = merchant.program()
    member_id = merchant.member()

    given = merchant.adjust(member_id, 100, reason="sorry for the wait 🙇")
    taken = merchant.adjust(member_id, -30, reason="typed twice")

    assert (given.points, given.balance, taken.points, taken.balance) == (100, 100, -30, 70)
    assert lots(merchant, member_id) == [(100, 70)]
    entries = merchant.read(lambda session: ledger.entries_by_ids(session, entry_ids=[given.entry_id, taken.entry_id]))
    assert entries[given.entry_id].header.reason == "sorry for the wait 🙇"
    assert entries[taken.entry_id].header.program_version_id == version.id
    assert merchant.balance(member_id) == Balance(member_id, "points", available=70, adjusted=70)
    assert merchant.verdict().faults == ()


def test_a_quote_is_what_the_till_then_does(merchant: Merchant, store: Store) -> None:
    levels = [("base", 0, "1"), ("gold", 30, "2")]
    merchant.program(document(rules=[rule(), rule("bonus", points=5, per=1_000, cap=12)], levels=levels))
    member_id = merchant.member()
    merchant.buy(store, member_id, 1_000)
    cart = QuoteCart(member_id, store.id, "CNY", lines(1_000, 2_050, -50), discount_minor=100)

    quote = merchant.read(lambda session: purchases.quote_cart(session, command=cart))
    bought = merchant.buy(store, member_id, lines=cart.lines, discount_minor=100)

    assert quote.total_minor == 2_900
    assert quote.lines == (QuotedLine(1, 967, 12), QuotedLine(2, 1_983, 24), QuotedLine(3, -50, 0))
    assert [(rule.rule_id, rule.points, rule.capped_by, rule.cap_room) for rule in quote.rules] == [
        ("every-purchase", 29, 0, None),
        ("bonus", 7, 3, 7),
    ]
    assert (quote.tier, quote.tier_after, quote.balance, quote.balance_after) == ("base", "gold", 15, 51)
    assert (bought.points, bought.balance, bought.to_tier) == (quote.points, quote.balance_after, "gold")
    guest = QuoteCart(None, store.id, "CNY", lines(1_000))
    assert merchant.read(lambda session: purchases.quote_cart(session, command=guest)).points == 0
