"""Apigee's lists, page by page, in the styles that it has for them: start keys, and tokens."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aforo.gateway_sdk.errors import GatewayError, GatewayUnavailable

Row = dict[str, Any]

_PAGE: Final = 1000  # Apigee's largest
_STATS_PAGE: Final = 1000
_STATES: Final = ("approved", "revoked")


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list, as far as they could be read; `fault` tells why it ends early."""

    rows: Sequence[Row]
    fault: GatewayError | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the whole answer beside them."""

    rows: Sequence[Row]
    told: Row


class Read(Protocol):
    """Reads one page: its path, what is wanted, and under which names the rows and their keys stand."""

    async def __call__(self, path: Sequence[str], wanted: Mapping[str, str], name: str, key: str) -> Page: ...


async def from_start_key(read: Read, path: Sequence[str], name: str, key: str, wanted: Mapping[str, str]) -> Listing:
    """Only a first page that fails raises.

    `startKey` names the last one read, and Apigee repeats it. A page may be shorter than what was asked for, so the
    list ends where a page brings nothing new, and not before.
    """
    rows: dict[str, Row] = {}
    last: str | None = None
    while True:
        params = {"expand": "true", "count": str(_PAGE), **wanted} | ({"startKey": last} if last else {})
        try:
            page = (await read(path, params, name, key)).rows
        except GatewayError as fault:
            if last is None:
                raise
            return Listing(list(rows.values()), fault)
        fresh = {row[key]: row for row in page if row[key] not in rows}
        if not fresh:
            return Listing(list(rows.values()))
        rows |= fresh
        last = str(page[-1][key])


async def rate_plans(read: Read, path: Sequence[str]) -> Listing:
    """Here the answer names where the next page begins. Never raises."""
    rows: dict[str, Row] = {}
    following: str | None = None
    while True:
        params = {"expand": "true", "count": str(_PAGE)} | ({"startKey": following} if following else {})
        try:
            page = await read(path, params, "ratePlans", "name")
        except GatewayError as fault:
            return Listing(list(rows.values()), fault)
        known = len(rows)
        rows |= {row["name"]: row for row in page.rows}
        following = page.told.get("nextStartKey")
        if not following or len(rows) == known:
            return Listing(list(rows.values()))


async def apps(read: Read, wanted: Mapping[str, str]) -> Listing:
    """Apigee shows approved apps with approved keys unless asked otherwise, so it is asked for each pair of states.

    Never raises.
    """
    found: dict[str, Row] = {}
    for status in _STATES:
        for key_status in _STATES:
            asked = {"status": status, "keyStatus": key_status, "expand": "true", "includeCred": "true", **wanted}
            listing = await _by_token(read, asked)
            for row in listing.rows:
                known = found.setdefault(row["appId"], {**row, "credentials": []})
                known["credentials"] += row.get("credentials") or []
            if listing.fault:
                return Listing(list(found.values()), listing.fault)
    return Listing(list(found.values()))


async def stats(read: Callable[[Mapping[str, str]], Awaitable[Row]], wanted: Mapping[str, str]) -> list[Row]:
    """By offset, up to a page that holds no group. Errors that stand inside a good answer raise as well."""
    rows: list[Row] = []
    while True:
        told = await read({**wanted, "limit": str(_STATS_PAGE), "offset": str(len(rows))})
        about = told.get("metaData") or {}
        if about.get("errors"):
            words = "; ".join(map(str, about["errors"]))[:300]
            raise GatewayUnavailable(f"Apigee Analytics answered with errors: {words}.", next_step="Ask again later.")
        page = [row for one in told.get("environments") or () for row in one.get("dimensions") or ()]
        if not page:
            return rows
        rows += page


async def _by_token(read: Read, wanted: Mapping[str, str]) -> Listing:
    rows: dict[str, Row] = {}
    token: str | None = None
    while True:
        params = {**wanted, "pageSize": str(_PAGE)} | ({"pageToken": token} if token else {})
        try:
            page = await read(("apps",), params, "app", "appId")
        except GatewayError as fault:
            return Listing(list(rows.values()), fault)
        rows |= {row["appId"]: row for row in page.rows}
        token = page.told.get("nextPageToken")
        if not token:
            return Listing(list(rows.values()))
