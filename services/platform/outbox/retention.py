"""How long letters are kept: done ones for `KEPT`, so that a fault can be looked into; then they go, inbox rows too.

Letters may hold contact details (ADR 0011), so they are not kept for ever. Parked ones stay until someone decides.
"""

from datetime import timedelta

from psycopg import sql

from services.platform.clock import wall_now
from services.platform.db.session import UnitOfWork

KEPT = timedelta(days=3)
BATCH_MAX = 2_000

# An inbox row goes with its letter: without the letter it can never be delivered again.
OLD = sql.SQL("SELECT 1 AS found FROM {schema}.outbox WHERE dispatched_at < %(before)s LIMIT 1")
DONE = """
SELECT id FROM outbox WHERE dispatched_at < %(before)s
AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.event_id = outbox.id AND inbox.state <> 'done')
ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED"""
FORGET_DELIVERIES = "DELETE FROM inbox WHERE event_id = ANY(%(ids)s)"
FORGET_LETTERS = "DELETE FROM outbox WHERE id = ANY(%(ids)s)"


def forget_done_letters(uow: UnitOfWork) -> int:
    """Delete a bounded number of letters that were done long enough ago; how many."""
    before = wall_now() - KEPT
    ids = [row["id"] for row in uow.fetch_all(DONE, {"before": before, "limit": BATCH_MAX})]
    if ids:
        uow.execute(FORGET_DELIVERIES, {"ids": ids})
        uow.execute(FORGET_LETTERS, {"ids": ids})
    return len(ids)
