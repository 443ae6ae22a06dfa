"""Profiles for all laws: the same examples on every run and machine, and no time limit on a busy one.

``REGULARS_TEST_PROFILE=nightly`` plays many more examples, and new ones each night; docs/guides/reversal.md says more.
"""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = 150
EXAMPLES_NIGHTLY = 10_000

settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly",
    settings.get_profile("house"),
    derandomize=False,
    print_blob=True,
    max_examples=EXAMPLES_NIGHTLY,
)
settings.load_profile(os.environ.get("REGULARS_TEST_PROFILE", "house"))
