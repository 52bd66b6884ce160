"""One difference as a line on a page: where, both sides, and in plain words what it means. Pure."""

import json
from typing import Any, Final

from aforo.catalog.model import Change, ChangeKind
from aforo.kit.jsontree import Absent, Json

_LONGEST_VALUE: Final = 160
_RATES: Final = ("second", "minute", "hour", "day", "month", "year", "rateLimit", "burstLimit", "limit")
_KINDS: Final = {ChangeKind.FOREIGN: "added by others", ChangeKind.MISSING: "gone from the gateway"}


def shown(change: Change) -> dict[str, Any]:
    """For `field_line`. `change.path` is what an operator ignores by."""
    return {
        "path": place(change),
        "key": change.path,
        "record": side(change.before),
        "gateway": side(change.after),
        "secret": change.secret,
        "effect": effect(change),
        "foreign": change.kind is ChangeKind.FOREIGN,
    }


def place(change: Change) -> str:
    """`plugin rate-limiting@payments-v2: config.minute`."""
    entity = f"{change.entity_kind} {change.entity_key}"
    return f"{entity}: {dotted(change.pointer)}" if change.pointer else entity


def dotted(pointer: str) -> str:
    """A pointer into an entity, as people read it."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return ".".join(parts)


def effect(change: Change) -> str:
    """In plain words, where that is known."""
    if change.kind in _KINDS:
        return _KINDS[change.kind] + ("" if change.counts else ", left alone")
    if change.pointer.rsplit("/", 1)[-1] in _RATES and _is_number(change.before) and _is_number(change.after):
        return _share(float(str(change.before)), float(str(change.after)))
    return ""


def text(value: Json) -> str:
    """A value in one line: strings bare, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def side(value: Json | Absent) -> str | None:
    """None where there is nothing; a long value is cut, and says how long it is."""
    if isinstance(value, Absent):
        return None
    whole = text(value)
    if len(whole) <= _LONGEST_VALUE:
        return whole
    return f"{whole[:_LONGEST_VALUE]}… ({len(whole):,} characters)"


def _share(record: float, gateway: float) -> str:
    if record <= 0 or record == gateway:
        return ""
    change = (gateway - record) / record * 100
    return f"{abs(change):.0f} % {'more' if change > 0 else 'fewer'} calls"


def _is_number(value: Json | Absent) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
