"""One call to the emulator, and what its values must be like."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .answers import invalid
from .world import Row, World

MISSING = object()


@dataclass(frozen=True, slots=True)
class Call:
    """`ids` by the names in the path; `app` is the connected app whose token was sent, None for the open paths."""

    method: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    base_url: str
    app: Row | None = None

    @property
    def place(self) -> tuple[str, str]:
        return self.ids["organizationId"], self.ids["environmentId"]

    def body(self) -> Row:
        told = self.any_body()
        if not isinstance(told, dict):
            raise invalid("", "type", "should be object")
        return told

    def any_body(self) -> Any:
        try:
            return json.loads(self.content)
        except ValueError as fault:
            raise invalid("", "format", "should be JSON") from fault

    def asks(self, name: str, *, unless_told: bool = False) -> bool:
        return self.query.get(name, str(unless_told)).lower() == "true"


def page(call: Call, rows: Sequence[Row], world: World) -> list[Row]:
    """The part of a list that was asked for: `offset` and `limit`, never more than the page size."""
    start, count = _number(call, "offset", 0), _number(call, "limit", 100)
    return list(rows[start : start + min(count, world.switches.page_size)])


def _number(call: Call, name: str, unless_told: int) -> int:
    told = call.query.get(name, str(unless_told))
    if not told.isdecimal():
        raise invalid(f".{name}", "type", "should be integer")
    return int(told)


def check(body: Row, wanted: Mapping[str, tuple[type, ...]], required: Sequence[str] = ()) -> None:
    """Types of the members that are there; 400 in the words of API Manager's validator."""
    for name in required:
        if name not in body:
            raise invalid(f".{name}", "required", f"should have required property '{name}'")
    for name, kinds in wanted.items():
        value = body.get(name, MISSING)
        if value is not MISSING and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            raise invalid(f".{name}", "type", f"should be {kinds[0].__name__}")
