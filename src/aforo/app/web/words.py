"""How values read on a page: numbers, money, spans, moments, configuration. Pure; all text is returned unescaped."""

import json
import re
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation

UNKNOWN = "—"
MINUS = "\N{MINUS SIGN}"
_DAY = timedelta(days=1)
_STEPS = ((60, "s", 1), (3600, "min", 60), (86400, "h", 3600))


def number(value: float | Decimal | None, decimals: int = 0) -> str:
    """`74210` → `74,210`; None → "—", because unknown is not zero."""
    if value is None:
        return UNKNOWN
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def money(amount: str | Decimal | None, currency: str | None = None) -> str:
    """`"4120"` → `4,120.00`, with the code where one is given. Up to six decimals are kept, fewer than two filled."""
    if amount is None:
        return UNKNOWN
    try:
        exact = Decimal(amount)
    except InvalidOperation:
        return UNKNOWN
    exponent = exact.normalize().as_tuple().exponent
    decimals = min(6, max(2, -exponent)) if isinstance(exponent, int) else 2
    text = number(exact, decimals)
    return f"{text} {currency}" if currency else text


def percent(share: float | None, decimals: int = 1) -> str:
    """`0.319` → `31.9 %`."""
    return UNKNOWN if share is None else f"{number(share * 100, decimals)} %"


def plural(count: int | None, one: str, many: str | None = None) -> str:
    """`2, "key"` → `2 keys`; None → `— keys`."""
    noun = one if count == 1 else many or f"{one}s"
    return f"{number(count)} {noun}"


def exact(moment: datetime, zone: tzinfo, *, seconds: bool = True) -> str:
    """`22 Nov 2026, 14:05:12 UTC`."""
    local = moment.astimezone(zone)
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    return f"{local.day} {local:%b %Y}, {clock} {local:%Z}"


def clock_time(moment: datetime, zone: tzinfo, now: datetime) -> str:
    """The short exact form beside a relative one: `13:52 UTC`, with the day when it was not today."""
    local = moment.astimezone(zone)
    today = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M} {local:%Z}" if today else f"{local.day} {local:%b} {local:%H:%M} {local:%Z}"


def ago(moment: datetime, now: datetime) -> str | None:
    """`13 min ago`, `in 4 min`; None beyond a day, where only the exact time is said."""
    gap = now - moment
    if abs(gap) >= _DAY:
        return None
    seconds = abs(gap.total_seconds())
    for limit, unit, size in _STEPS:
        if seconds < limit:
            words = f"{int(seconds // size)} {unit}"
            return f"{words} ago" if gap >= timedelta() else f"in {words}"
    return None


def label(pointer: str) -> str:
    """A JSON pointer as people read it: `/routes/2/paths/0` → `routes[2].paths[0]`."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    text = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)
    return text.removeprefix(".") or pointer


def value(thing: object) -> str:
    """A configuration value in a field line: strings bare, everything else as JSON."""
    if thing is None:
        return "null"
    return thing if isinstance(thing, str) else json.dumps(thing, ensure_ascii=False, sort_keys=True)


def syllable(label: str) -> tuple[str, str]:
    """`Integrations` → `Integra`, `tions`; a short name stays whole."""
    found = re.fullmatch(r"(\w{4,})(tions|tials|ments)", label)
    return (found[1], found[2]) if found else (label, "")


def id_safe(text: str) -> str:
    """Any name as part of an element's id."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "x"
