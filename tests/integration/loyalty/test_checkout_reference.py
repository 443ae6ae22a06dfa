"""What the bench takes for the limit of the checkout is what a quote and a commit send, statement by statement.

Compared are the words of each statement in their order, without its values, which the scripts make up. Who changes a
statement of the checkout pins it anew in ``tests/load/reference`` (docs/guides/benchmarks.md), or the ratio to pgbench
compares two different things.
"""

import re
from itertools import chain

from services.loyalty.stores.domain import Store
from tests.integration.loyalty.wire import overheard
from tests.load.pgbench import REFERENCE
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import Merchant
from tests.support.builders.till import Till

MADE_UP = re.compile(
    r"\(SELECT entry_seq FROM ledger_holders WHERE id = :member\)"  # what the product knows from the trip before
    r"|'[^']*'|%\(\w+\)s|(?<!:):\w+|::\w+|\bnow\(\)|\bcurrent_date\b|\bdate_trunc\b|\bARRAY\b|\bNULL\b|\bt_\w+|\{schema\}"
)
WORD = re.compile(r"[A-Za-z_.]+|[<>=]+")


def words(statement: str) -> str:
    """A statement without its values."""
    return " ".join(WORD.findall(MADE_UP.sub(" ", statement)))


def pinned(script: str) -> list[str]:
    """The statements of a script of the reference, but for the one that chooses a member."""
    lines = (REFERENCE / script).read_text(encoding="utf-8").splitlines()
    own = [line for line in lines if not line.startswith(("--", "\\")) and not line.endswith("\\gset")]
    return [statement for statement in re.split(r";(?:\n|$)", "\n".join(own)) if statement]


def test_the_limit_of_the_checkout_is_what_it_sends(merchant: Merchant, store: Store) -> None:
    merchant.program(document(rules=[rule(cap=1_000)]))
    till, member_id = Till(merchant, store), merchant.member()
    till.commit(till.quote(member_id, 234).cart)

    with overheard() as quoting:
        cart = till.quote(member_id, 234).cart
    with overheard() as committing:
        till.commit(cart)
    (quoted,), committed = quoting, [*chain.from_iterable(committing)]

    # The driver itself ends what only reads.
    assert [*(words(each) for each in quoted), "ROLLBACK"] == [words(each) for each in pinned("quote_cart.sql")]
    assert [words(each) for each in committed] == [words(each) for each in pinned("commit_cart.sql")]
    assert (len(quoted), [len(message) for message in committing]) == (12, [16, 18])
