"""Reports: how many calls came down the request path, by API, by product or by subscription.

Modelled: the calls by outcome, and `$filter` on `timestamp` alone. A record is of the whole period that the filter
names. Calls are counted by quarters of an hour, the shortest interval that the vendor's description allows; a quarter
is of the period in which it begins. Ours: a call without a subscription is in no record of the report by subscription.
Left out: bandwidth, caches, times and `$orderby`. Real reports are 15 minutes late or more; these are not.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from aforo.gateways.azure.emulator.resources import Resources
from aforo.gateways.azure.emulator.store import Path, Store
from aforo.gateways.azure.emulator.wire import Answer, ArmError, Call, Record, invalid
from aforo.kit.clock import Clock

_QUARTER_SECONDS: Final = 900
_REPORTS: Final[Mapping[str, tuple[str, ...]]] = {
    "byapi": ("apiId",),
    "byproduct": ("productId",),
    "bysubscription": ("subscriptionId", "productId", "userId"),
}
"""What the records of a report are of."""

_TERM: Final = re.compile(r"timestamp (ge|le) datetime'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)'")
_COUNTS: Final = ("callCountSuccess", "callCountBlocked", "callCountFailed", "callCountOther")


class Reports:
    """Counts calls, and answers `reports/{report}`."""

    def __init__(self, store: Store, resources: Resources, clock: Clock) -> None:
        self._store = store
        self._resources = resources
        self._clock = clock

    def count(self, status: int, api: str, product: Record | None, subscription: Record | None) -> None:
        """One more call now, answered with this status."""
        quarter = int(self._clock.now().timestamp()) // _QUARTER_SECONDS
        owner = str(subscription["properties"].get("ownerId") or "").rpartition("/")[2] if subscription else ""
        names = {
            "apiId": f"/apis/{api}",
            "productId": f"/products/{product['path'][1]}" if product else "",
            "subscriptionId": f"/subscriptions/{subscription['path'][1]}" if subscription else "",
            "userId": f"/users/{owner}" if owner else "",
        }
        self._store.called(quarter, names, _outcome(status))

    def answer(self, call: Call, path: Path) -> Answer:
        """A report's records, in order of what they are of."""
        members = _REPORTS.get(path[1].lower()) if len(path) == 2 else None
        if members is None or call.method != "GET":
            raise ArmError(405, "MethodNotAllowed", "There is no such report here.")
        first, last = _period(call.query.get("$filter", ""))
        sums: dict[tuple[str, ...], Counter[str]] = {}
        for row in self._store.calls():
            if row["names"][members[0]] and first <= row["quarter"] * _QUARTER_SECONDS <= last:
                key = tuple(row["names"][member] for member in members)
                sums.setdefault(key, Counter())[row["outcome"]] += row["calls"]
        return self._resources.page(call, [self._record(members, *one) for one in sorted(sums.items())], filtered=True)

    def _record(self, members: tuple[str, ...], names: tuple[str, ...], counts: Counter[str]) -> Record:
        of = {member: name for member, name in zip(members, names, strict=True) if name}
        found = self._store.find(tuple(names[0].strip("/").split("/")))
        told = {name: counts[name] for name in _COUNTS}
        name = str(found["properties"].get("displayName") or "") if found else ""
        return {"name": name, **of, **told, "callCountTotal": counts.total()}


def _outcome(status: int) -> str:
    """By the description of each count."""
    if status <= 301 or status in (304, 307):
        return "callCountSuccess"
    if status in (401, 403, 429):
        return "callCountBlocked"
    return "callCountFailed" if status == 400 or 500 <= status <= 600 else "callCountOther"


def _period(text: str) -> tuple[float, float]:
    """Both ends included. Refuses a filter without a beginning, and one with a term that is not modelled."""
    terms = [_TERM.fullmatch(term.strip()) for term in text.split(" and ")]
    if not all(terms):
        raise invalid("$filter", "must be: timestamp ge datetime'…' and timestamp le datetime'…'.")
    told = {one[1]: datetime.fromisoformat(one[2]).replace(tzinfo=UTC).timestamp() for one in terms if one}
    if "ge" not in told or told.get("le", told["ge"]) < told["ge"]:
        raise invalid("$filter", "needs a timestamp to begin with, and none before it to end with.")
    return told["ge"], told.get("le", float("inf"))
