"""Cost rules as CSV: each line is a rule or says what is wrong with it. Pure."""

import csv
import io
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from aforo.customers import NewCostRule
from aforo.kit.errors import Invalid

COLUMNS: Final = ("product", "metric", "unitCost", "currency", "validFrom")
MOST_LINES: Final = 1_000
MOST_LETTERS: Final = 200_000
_NEEDED: Final = ("unitCost", "currency")
_NAMED: Final = {name.casefold(): name for name in COLUMNS}


class SheetLine(NamedTuple):
    """`number` counts from 1, the heads included. There is a rule, or a fault."""

    number: int
    new: NewCostRule | None
    fault: str = ""


class Label(NamedTuple):
    """A product by its id, by the gateway's ref and by its name."""

    id: str
    ref: str
    name: str


def read_sheet(text: str, products: Iterable[Label], metrics: Collection[str]) -> list[SheetLine]:
    """A line may say a product's id, or its ref or name where only one product has it.

    Raises Invalid when the whole cannot be read: no heads, no line, or more than 1,000.
    """
    if len(text) > MOST_LETTERS:
        raise _unreadable(f"has more than {MOST_LETTERS:,} letters", "Send it in parts.")
    known = _Known(products, metrics)
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        heads = _heads(next(rows, []))
        return [_line(number, dict(zip(heads, cells, strict=False)), known) for number, cells in _numbered(rows)]
    except csv.Error as fault:
        raise _unreadable(f"cannot be read as CSV behind line {rows.line_num}") from fault


def moment(text: str) -> datetime:
    """A day begins at midnight UTC. Raises ValueError with words for people."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a day such as 2026-11-01, or a time such as 2026-11-01T00:00:00Z, is wanted") from None
    if found.tzinfo is None:
        raise ValueError("the time needs its zone, such as the Z of 2026-11-01T00:00:00Z")
    return found


def new_rule(typed: Mapping[str, str]) -> NewCostRule:
    """From words by column, where `product` is an id. Raises Invalid, its faults named by the columns."""
    members: dict[str, Any] = {name: typed.get(name, "") for name in _NEEDED}
    members["scope"] = {"productId": typed.get("product") or None, "metric": typed.get("metric") or None}
    try:
        if typed.get("validFrom"):
            members["validFrom"] = moment(typed["validFrom"])
    except ValueError as fault:
        raise _wrong([("/validFrom", str(fault))]) from None
    try:
        return NewCostRule.model_validate(members)
    except ValidationError as fault:
        raise _wrong([_told(one) for one in fault.errors()]) from None


class _Known:
    """What a line may be about."""

    def __init__(self, products: Iterable[Label], metrics: Collection[str]) -> None:
        self._metrics = metrics
        self._ids: set[str] = set()
        self._named: dict[str, set[str]] = defaultdict(set)
        for one in products:
            self._ids.add(one.id)
            self._named[one.ref].add(one.id)
            self._named[one.name].add(one.id)

    def product(self, word: str) -> str:
        found = {word} if word in self._ids else self._named.get(word, set())
        if len(found) == 1:
            return next(iter(found))
        why = f"{len(found)} products are called {word}: give the id" if found else f"there is no product {word}"
        raise _wrong([("/product", why)])

    def metric(self, word: str) -> str:
        if word not in self._metrics:
            raise _wrong([("/metric", f"there is no metric {word}: create it first")])
        return word


def _numbered(rows: Any) -> Iterator[tuple[int, list[str]]]:
    count = 0
    for cells in rows:
        if any(cell.strip() for cell in cells):
            count += 1
            if count > MOST_LINES:
                raise _unreadable(f"has more than {MOST_LINES:,} lines", "Send it in parts.")
            yield rows.line_num, cells
    if not count:
        raise _unreadable("has no line under its heads")


def _heads(cells: list[str]) -> list[str]:
    heads = [_NAMED.get(cell.strip().replace("_", "").casefold(), cell.strip()) for cell in cells]
    unknown = [head for head in heads if head not in COLUMNS]
    lacking = [name for name in _NEEDED if name not in heads]
    if unknown or lacking or len(set(heads)) < len(heads):
        told = f"has the heads {', '.join(heads) or 'of nothing'}"
        raise _unreadable(told, f"The first line names the columns: {','.join(COLUMNS)}.")
    return heads


def _line(number: int, cells: Mapping[str, str], known: _Known) -> SheetLine:
    typed = {name: cell.strip() for name, cell in cells.items()}
    try:
        if not typed.get("product") and not typed.get("metric"):
            raise _wrong([("/product", "a product, a metric, or both are needed")])
        if typed.get("product"):
            typed["product"] = known.product(typed["product"])
        if typed.get("metric"):
            known.metric(typed["metric"])
        return SheetLine(number, new_rule(typed))
    except Invalid as fault:
        return SheetLine(number, None, "; ".join(f"{where[1:]}: {words}" for where, words in fault.faults))


def _told(one: Any) -> tuple[str, str]:
    where = str(one["loc"][-1])
    words = str(one["msg"]).removeprefix("Value error, ")
    return f"/{'product' if where == 'productId' else where}", words[:1].lower() + words[1:]


def _wrong(faults: list[tuple[str, str]]) -> Invalid:
    return Invalid("This cost rule cannot be read.", tuple(faults), next_step="Correct what is named.")


def _unreadable(why: str, next_step: str = "") -> Invalid:
    return Invalid(f"The sheet {why}.", (("/csv", why),), next_step=next_step or "Correct it and send it again.")
