"""What a terminal shows of the logs of children."""

import pytest

from services.platform.supervision.children import important


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"level": "info", "event": "started"}', None),
        ('{"event": "no level"}', None),
        ("", None),
        ('{"level": "warning", "event": "slow", "timestamp": "t", "tenant": "cafe"}', "warning: slow tenant=cafe"),
        ('{"level": "ERROR", "event": "failed", "exception": "Traceback"}', "ERROR: failed"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("42", "42"),
    ],
)
def test_warnings_and_what_is_no_record_are_shown(line: str, shown: str | None) -> None:
    assert important(line) == shown
