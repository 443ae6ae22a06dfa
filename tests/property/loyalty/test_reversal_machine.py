"""Whatever is bought, returned, spent, held, given and claimed: the books are what a second opinion says."""

import os
from functools import partial
from typing import Any

import pytest
from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.tenancy.domain import Tenant
from tests.property.loyalty.lives import FAMILIES
from tests.property.loyalty.sales import Sales

STEPS = 30
"""Of one life. Shorter ones find less, longer ones find the same again."""
LIVES = 320
"""Of all families together; the nightly profile plays more."""
IS_LONG = not settings().derandomize
PARTS = 25 if IS_LONG else 4
"""Of a family: several workers share its lives, and those of one part are like one another."""
SEED = int(os.environ.get("REGULARS_TEST_SEED") or (wall_now().toordinal() * PARTS if IS_LONG else 1))
"""Of the first part of a long run: other lives each night, and those again whose seed is given."""


@pytest.mark.parametrize("first", range(SEED, SEED + PARTS))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_books_are_what_a_second_opinion_says(database: Database, tenant: Tenant, family: str, first: int) -> None:
    # It takes whatever makes a machine; only its types ask for a class.
    make: Any = partial(Sales, database, tenant, FAMILIES[family])
    lives = (settings().max_examples if IS_LONG else LIVES) // len(FAMILIES) // PARTS

    run_state_machine_as_test(seed(first)(make), settings=settings(stateful_step_count=STEPS, max_examples=lives))
