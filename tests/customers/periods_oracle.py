"""Another way to know periods: walk the wall clock, with no arithmetic shared with the rules."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from aforo.customers.rules.periods import Every, Period, PeriodSpec

QUARTER_HOUR = timedelta(minutes=15)
_ONE = timedelta(seconds=1)


def starts_a_period(day: date, spec: PeriodSpec) -> bool:
    """Whether a period of this kind begins on this day of the calendar."""
    if spec.every is Every.DAY:
        return True
    if spec.every is Every.WEEK:
        return day.isoweekday() == spec.anchor_day
    months = {Every.MONTH: range(1, 13), Every.QUARTER: (1, 4, 7, 10), Every.YEAR: (1,)}[spec.every]
    is_last = (day + timedelta(days=1)).month != day.month
    return day.month in months and (day.day == spec.anchor_day or (is_last and day.day < spec.anchor_day))


@lru_cache(maxsize=50_000)
def midnight_reached(day: date, zone: ZoneInfo) -> datetime:
    """The first moment at which the clock shows this day or a later one: walked to from two days before."""
    wanted = datetime.combine(day, time())
    moment = datetime.combine(day, time(), UTC) - timedelta(days=2)
    while _wall(moment, zone) < wanted:
        moment += QUARTER_HOUR
    while _wall(moment - _ONE, zone) >= wanted:
        moment -= _ONE
    return moment


def period_by_walking(moment: datetime, spec: PeriodSpec) -> Period:
    zone = ZoneInfo(spec.time_zone)
    around = [_wall(moment, zone).date() + timedelta(days=n) for n in range(-400, 401)]
    starts = sorted({midnight_reached(day, zone) for day in around if starts_a_period(day, spec)})
    before = max(start for start in starts if start <= moment)
    return Period(before, min(start for start in starts if start > moment))


def transitions(zone: ZoneInfo, first: int, last: int) -> list[datetime]:
    """The moments from year `first` to `last` at which the zone's offset changes, to the second."""
    found = []
    moment, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last, 12, 31, tzinfo=UTC)
    while moment < end:
        following = moment + timedelta(days=3)
        if _offset(moment, zone) != _offset(following, zone):
            found.append(_halve(moment, following, zone))
        moment = following
    return found


def _halve(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    before = _offset(low, zone)
    while high - low > _ONE:
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
