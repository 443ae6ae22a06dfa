from services.loyalty.stores.domain import Store
from services.loyalty.members.domain import *
from tests.support.builders.merchant import Merchant
from tests.support.builders.documents import *
from services.platform.db.engine import open_database
from tests.integration.loyalty.wire import traced


def test_all(merchant: Merchant, store: Store, database_urls) -> None:
    merchant.program(document(rules=[rule(cap=1000)], levels=[("base", 0, "1"), ("gold", 20, "2")]))
    m = merchant.member(Identity(IdentityKind.EMAIL, "A@b.cd"))
    r = merchant.reward()
    db = open_database(database_urls.app, pool_size=1)
    merchant.database = db
    c = merchant.purchase_command(store, m, 2500, 500)
    merchant.buy(store, m, 100)

    def show(name, f):
        with traced(db) as t:
            x = f()
        print(name, t.statements, t.round_trips)
        return x

    x = show("record", lambda: merchant.record(c))
    show("replay", lambda: merchant.record(c))
    show("other key", lambda: merchant.buy(store, m, 2500, 500, external_id=c.external_id))
    show("guest", lambda: merchant.buy(store, None, 2500, 500))
    show("identity", lambda: merchant.buy(store, Identity(IdentityKind.EMAIL, "a@B.cd"), 2500, 500))
    show("refund", lambda: merchant.refund(x.purchase_id))
    show("redeem", lambda: merchant.redeem(m, r))
    show("adjust", lambda: merchant.adjust(m, -1))
    show("enroll", lambda: merchant.member())
    import time

    n = 200
    t = time.perf_counter()
    for i in range(n):
        merchant.buy(store, m, 2500, 500)
    print((time.perf_counter() - t) / n * 1000, "ms")
    import cProfile

    p = cProfile.Profile()
    p.enable()
    for i in range(n):
        merchant.buy(store, m, 2500, 500)
    p.disable()
    import pstats

    pstats.Stats(p).sort_stats("tottime").print_stats(25)
    print(merchant.verdict())
