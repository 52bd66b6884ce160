"""Retry-After as seconds or as a date, never unreasonable."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.transport import retry_after_seconds

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("86400", 3600),
        ("nan", 1),
        ("inf", 1),
        ("soon", 1),
        ("", 1),
        ("Sun, 22 Nov 2026 12:02:00 GMT", 120),
        ("Sun, 22 Nov 2026 12:02:00", 120),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 23 Nov 2026 12:00:00 GMT", 3600),
        ("Sun, 99 Nov 2026 12:00:00 GMT", 1),
    ],
)
def test_seconds_and_dates_are_read(told: str, seconds: float) -> None:
    assert retry_after_seconds({"retry-after": told}, NOW) == seconds


def test_a_date_is_reckoned_by_the_vendors_own_clock() -> None:
    headers = {"date": "Sun, 22 Nov 2026 08:00:00 GMT", "retry-after": "Sun, 22 Nov 2026 08:00:30 GMT"}
    assert retry_after_seconds(headers, NOW) == 30


def test_nothing_told_is_a_second() -> None:
    assert retry_after_seconds({}, NOW) == 1


@given(st.text())
@settings(max_examples=50)
def test_whatever_is_told_the_wait_is_finite(told: str) -> None:
    assert 0 <= retry_after_seconds({"retry-after": told, "date": told}, NOW) <= 3600
