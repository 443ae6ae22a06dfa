from tests.support.gateway import TestGateway
from tests.support.story import receipt, sign_up


def test_smoke(gateway: TestGateway, worker, mailbox) -> None:
    ann = sign_up(gateway, "anns-tea")
    store = ann.open_store()
    ann.start_program()
    m = ann.enroll(email="li@example.test")
    print(
        ann.do(
            "recordPurchase",
            "points balance replayed purchase { id total { amount } }",
            **receipt(store, "210.00", member=m),
        )
    )
    worker.work_until_idle()
    print([(x.recipient, x.subject) for x in mailbox.messages()])
    assert 0
