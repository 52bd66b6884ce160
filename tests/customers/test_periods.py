"""Periods tile the time line in every zone, for every anchor, on every day on which clocks change."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.customers.rules.periods import LAST_ANCHOR, Every, PeriodSpec, first_moment, period_at, time_zones
from tests.customers.periods_oracle import midnight_reached, period_by_walking, starts_a_period, transitions

TICK = timedelta(microseconds=1)
ODD_ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # the clock jumped at midnight
    "America/Havana",
    "America/Santiago",
    "America/St_Johns",  # for years at 00:01
    "Africa/Cairo",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",  # off the hour
    "Asia/Tehran",
    "Australia/Lord_Howe",  # by half an hour
    "Antarctica/Troll",  # by two hours
    "Antarctica/Casey",
    "Pacific/Apia",  # no 30 December 2011
    "Pacific/Fakaofo",
    "Pacific/Kiritimati",
    "Pacific/Norfolk",
)
DAYS_AND_LONGER = [every for every in Every if every is not Every.HOUR]

START = datetime(1972, 1, 1, tzinfo=UTC)
moments = st.timedeltas(timedelta(), timedelta(days=24_000)).map(lambda passed: START + passed)
zones = st.sampled_from(sorted(time_zones()))


@st.composite
def specs(draw: st.DrawFn, kinds: Sequence[Every] = DAYS_AND_LONGER) -> PeriodSpec:
    every = draw(st.sampled_from(kinds))
    return PeriodSpec(every, draw(st.integers(1, LAST_ANCHOR[every])), draw(zones))


@given(moments, specs(list(Every)))
@settings(max_examples=50, deadline=None)
def test_periods_tile_the_time_line(moment: datetime, spec: PeriodSpec) -> None:
    _tiles(moment, spec)


@given(moments, specs())
@settings(max_examples=25, deadline=None)
def test_a_period_is_the_one_found_by_walking_the_wall_clock(moment: datetime, spec: PeriodSpec) -> None:
    assert period_at(moment, spec) == period_by_walking(moment, spec)


@pytest.mark.parametrize("name", ODD_ZONES)
def test_no_clock_change_of_odd_zones_leaves_a_gap(name: str) -> None:
    _clock_changes_tile(name, transitions(ZoneInfo(name), 2005, 2037)[:40], anchors=(1, 15, 28, 30, 31))


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(time_zones()))
def test_no_clock_change_of_any_zone_leaves_a_gap_for_any_anchor(name: str) -> None:
    changes = [*transitions(ZoneInfo(name), 1970, 2037), START]
    _clock_changes_tile(name, changes, anchors=range(1, 32))


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(time_zones()))
def test_every_midnight_around_a_clock_change_is_the_first_moment_of_its_day(name: str) -> None:
    zone = ZoneInfo(name)
    for change in [*transitions(zone, 1970, 2037), datetime(2026, 3, 1, tzinfo=UTC)]:
        for offset in (-1, 0, 1):
            day = change.astimezone(zone).date() + timedelta(days=offset)
            assert first_moment(day, zone) == midnight_reached(day, zone)


@pytest.mark.parametrize("name", ODD_ZONES)
def test_every_midnight_of_odd_zones_is_the_first_moment_of_its_day(name: str) -> None:
    zone = ZoneInfo(name)
    for change in [*transitions(zone, 2005, 2014), datetime(2026, 3, 1, tzinfo=UTC)]:
        for offset in (-1, 0, 1):
            day = change.astimezone(zone).date() + timedelta(days=offset)
            assert first_moment(day, zone) == midnight_reached(day, zone)


@pytest.mark.parametrize("anchor", range(1, 32))
@pytest.mark.parametrize("year", [2027, 2028])
def test_an_anchor_beyond_the_months_end_is_its_last_day(anchor: int, year: int) -> None:
    spec = PeriodSpec(Every.MONTH, anchor)
    moment, starts = datetime(year, 1, 31, tzinfo=UTC), []
    while moment.year == year:
        period = period_at(moment, spec)
        starts.append(period.start.date())
        moment = period.end
    wanted = [day for day in _days(date(year - 1, 12, 1), 430) if starts_a_period(day, spec)]
    assert starts == [day for day in wanted if starts[0] <= day <= starts[-1]]
    assert len(starts) in (11, 12)


def test_a_midnight_that_the_clock_jumps_over_is_the_moment_after_the_jump() -> None:
    day = period_at(datetime(2018, 11, 4, 12, tzinfo=UTC), PeriodSpec(Every.DAY, 1, "America/Sao_Paulo"))
    assert (day.start, day.end) == (datetime(2018, 11, 4, 3, tzinfo=UTC), datetime(2018, 11, 5, 2, tzinfo=UTC))


def test_a_midnight_in_the_middle_of_a_jump_is_the_moment_after_the_jump() -> None:
    spec = PeriodSpec(Every.DAY, 1, "America/Toronto")  # on 30 March 1919 at 23:30 it became 00:30
    jump = datetime(1919, 3, 31, 4, 30, tzinfo=UTC)
    assert first_moment(date(1919, 3, 31), ZoneInfo("America/Toronto")) == jump
    assert period_at(jump - TICK, spec).end == jump
    _tiles(jump, spec)


def test_a_midnight_that_comes_twice_is_the_first() -> None:
    day = period_at(datetime(2026, 11, 1, 12, tzinfo=UTC), PeriodSpec(Every.DAY, 1, "America/Havana"))
    assert (day.start, day.end) == (datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC))


def test_an_hour_after_the_clock_went_back_over_midnight_still_belongs_to_the_new_day() -> None:
    spec = PeriodSpec(Every.DAY, 1, "America/Sao_Paulo")  # at 00:00 on 18 February 2018 it became 23:00 on the 17th
    change = datetime(2018, 2, 18, 2, tzinfo=UTC)
    assert period_at(change - TICK, spec).end == datetime(2018, 2, 18, 3, tzinfo=UTC)
    assert period_at(change, spec).end == datetime(2018, 2, 18, 3, tzinfo=UTC)


def test_a_day_that_a_country_skipped_is_no_period() -> None:
    spec = PeriodSpec(Every.DAY, 1, "Pacific/Apia")
    jump = datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert period_at(jump - TICK, spec).end == jump
    assert period_at(jump, spec).end == jump + timedelta(days=1)


def test_an_hour_is_sixty_minutes_in_every_zone() -> None:
    for change in transitions(ZoneInfo("Australia/Lord_Howe"), 2026, 2027):
        period = period_at(change, PeriodSpec(Every.HOUR, 1, "Australia/Lord_Howe"))
        assert period.end - period.start == timedelta(hours=1)


def test_zones_that_mean_something_else_on_each_machine_are_no_zones() -> None:
    assert not {"localtime", "Factory"} & time_zones()
    assert {"UTC", "Europe/Berlin"} <= time_zones()


def _clock_changes_tile(name: str, changes: list[datetime], anchors: range | tuple[int, ...]) -> None:
    for change in changes:
        for spec in _specs(name, anchors):
            for moment in (change - TICK, change):
                _tiles(moment, spec)


def _specs(name: str, anchors: range | tuple[int, ...]) -> Iterator[PeriodSpec]:
    yield PeriodSpec(Every.DAY, 1, name)
    yield from (PeriodSpec(Every.WEEK, anchor, name) for anchor in range(1, 8))
    yield from (PeriodSpec(Every.MONTH, anchor, name) for anchor in anchors)


def _tiles(moment: datetime, spec: PeriodSpec) -> None:
    """The moment lies in its period, which has a length, begins where one ends and ends where one begins."""
    period = period_at(moment, spec)
    assert period.start <= moment < period.end
    assert period_at(period.start, spec) == period
    assert period_at(period.end - TICK, spec) == period
    assert period_at(period.end, spec).start == period.end
    assert period_at(period.start - TICK, spec).end == period.start


def _days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(count)]
