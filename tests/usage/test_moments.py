"""Times are exact to the nanosecond, against Python's datetime."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.usage.model import Refused
from aforo.usage.rules.moment import SECOND_NS, check_window, from_number, from_text, is_late, text_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
dates = st.datetimes(datetime(1972, 1, 1), datetime(2200, 1, 1), timezones=offsets)  # noqa: DTZ001 - zones are drawn


@settings(max_examples=300)
@given(dates, st.text("0123456789", max_size=9), st.sampled_from("Tt "))
def test_any_offset_and_up_to_nine_digits_are_exact(moment: datetime, digits: str, divider: str) -> None:
    plain = moment.replace(microsecond=0)
    text = plain.strftime(f"%Y-%m-%d{divider}%H:%M:%S") + (f".{digits}" if digits else "") + _offset(plain)
    whole = (plain - EPOCH) // timedelta(seconds=1)
    assert from_text(text) == whole * SECOND_NS + int(digits.ljust(9, "0") or 0)


@given(st.integers(0, 4 * 10**18))
def test_what_is_shown_reads_back_as_the_same_moment(moment_ns: int) -> None:
    assert from_text(text_of(moment_ns)) == moment_ns


@given(st.integers(-(10**12), 4 * 10**12), st.text("0123456789", min_size=1, max_size=6))
def test_epoch_milliseconds_keep_their_fraction(whole: int, digits: str) -> None:
    sign = -1 if whole < 0 else 1
    assert from_number(f"{whole}.{digits}") == sign * (abs(whole) * 10**6 + int(digits.ljust(6, "0")))
    assert from_number(str(whole)) == whole * 10**6


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-11-22", "2026-11-22T12:00:00", "2026-11-22T12:00Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T12:00:61Z", "2026-11-22T12:00:00.Z", "2026-11-22T12:00:00.1234567890Z",
        "2026-11-22T12:00:00+24:00", "2026-11-22T12:00:00+0100", "20261122T120000Z", "now", "2026-11-22T12:00:00Z ",
        "0000-01-01T00:00:00Z", "٢026-11-22T12:00:00Z",
    ],
)  # fmt: skip
def test_what_is_not_rfc_3339_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        from_text(text)
    assert refused.value.code == "invalid_time"


@pytest.mark.parametrize(
    "text", ["", "1e400", "true", "null", "1795348800000000000", "--1", "1.5.2", "99999999999999999999"]
)
def test_what_is_not_milliseconds_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        from_number(text)


def test_a_leap_second_is_the_next_second() -> None:
    assert from_text("2016-12-31T23:59:60Z") == from_text("2017-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(300, None), (300.000000001, "timestamp_in_future"), (-90 * 86400, None), (-90 * 86400 - 1e-6, "too_late")],
)
def test_the_window_ends_exactly_where_it_says(seconds: float, code: str | None) -> None:
    now = 1_795_348_800 * SECOND_NS
    occurred = now + (300 * SECOND_NS + 1 if seconds > 300 else round(seconds * 10**6) * 1000)
    if code is None:
        check_window(occurred, now)
        return
    with pytest.raises(Refused) as refused:
        check_window(occurred, now)
    assert refused.value.code == code


def test_late_is_over_24_hours() -> None:
    now = 1_795_348_800 * SECOND_NS
    assert not is_late(now - 86_400 * SECOND_NS, now)
    assert is_late(now - 86_400 * SECOND_NS - 1, now)


def _offset(moment: datetime) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    if minutes == 0:
        return "Z"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
