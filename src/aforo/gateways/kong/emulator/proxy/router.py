"""Which route a call takes, by the rules of the traditional router as far as HTTP goes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from ..store import Row


@dataclass(frozen=True, slots=True)
class Call:
    """A consumer's call, below the request path's root."""

    method: str
    path: str
    raw_query: str
    headers: Mapping[str, str]
    body: bytes
    client: str = "127.0.0.1"

    @property
    def host(self) -> str:
        return self.headers.get("host", "").partition(":")[0].lower()


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the part of the path by which it was found."""

    route: Row
    prefix: str


_Rank = tuple[int, bool, int, int, str]


def matched(call: Call, routes: Iterable[Row]) -> Match | None:
    """The route with most criteria met, regular expressions by priority before the longest prefix."""
    found = [match for route in routes if (match := _match(call, route)) is not None]
    return max(found, key=_rank, default=None)


def _match(call: Call, route: Row) -> Match | None:
    if not {"http", "https"} & set(route["protocols"]):
        return None
    if not (_meets_method(call, route) and _meets_host(call, route) and _meets_headers(call, route)):
        return None
    if not route["paths"]:
        return Match(route, "")
    prefixes = [prefix for path in route["paths"] if (prefix := _prefix(call.path, path)) is not None]
    return Match(route, max(prefixes, key=len)) if prefixes else None


def _prefix(path: str, wanted: str) -> str | None:
    if wanted.startswith("~"):
        found = _regex(wanted[1:]).match(path)
        return None if found is None else found[0]
    return wanted if path.startswith(wanted) else None


@cache
def _regex(pcre: str) -> re.Pattern[str]:
    return re.compile(pcre.replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!"))


def _meets_method(call: Call, route: Row) -> bool:
    return not route["methods"] or call.method in route["methods"]


def _meets_host(call: Call, route: Row) -> bool:
    return not route["hosts"] or any(_is_host(call.host, wanted.lower()) for wanted in route["hosts"])


def _is_host(host: str, wanted: str) -> bool:
    if wanted.startswith("*."):
        return host.endswith(wanted[1:])
    return host.startswith(wanted[:-1]) if wanted.endswith(".*") else host == wanted.partition(":")[0]


def _meets_headers(call: Call, route: Row) -> bool:
    return all(call.headers.get(name.lower()) in values for name, values in (route["headers"] or {}).items())


def _rank(match: Match) -> _Rank:
    route = match.route
    criteria = sum(bool(route[name]) for name in ("methods", "hosts", "headers", "paths", "snis"))
    is_regex = any(path.startswith("~") for path in route["paths"] or ())
    return criteria, is_regex, route["regex_priority"] if is_regex else 0, len(match.prefix), route["id"]
