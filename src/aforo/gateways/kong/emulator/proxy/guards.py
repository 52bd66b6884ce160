"""The plugins that the request path models: who calls, may they, how often, or not at all."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ..answers import Answer
from ..kinds import KINDS
from ..store import Row, Store
from .router import Call

_PERIOD_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(slots=True)
class Passage:
    """A call on its way through the plugins, and what they have found and added so far.

    `overruled` are members of what the backend gets, such as its path, that a plugin has set.
    """

    call: Call
    route: Row
    service: Row | None
    query: str
    consumer: Row | None = None
    credential: Row | None = None
    to_upstream: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    to_client: dict[str, str] = field(default_factory=dict)
    overruled: dict[str, Any] = field(default_factory=dict)


PRIORITY = {"key-auth": 1250.0, "acl": 950.0, "rate-limiting": 910.0, "request-termination": 2.0}
"""Kong's own, of the plugins that are modelled: the higher goes first."""

Guard = Callable[[Passage, dict[str, Any]], Answer | None]
"""Refuses with an answer, or lets pass."""


class Guards:
    """The modelled plugins over one store; rate limits are counted in memory, as the policy `local` does."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._counts: Counter[tuple[str, str, str, int]] = Counter()
        self.in_order: dict[str, Guard] = {
            "key-auth": self._key_auth,
            "acl": self._acl,
            "rate-limiting": self._rate_limiting,
            "request-termination": self._termination,
        }

    def _key_auth(self, passage: Passage, config: dict[str, Any]) -> Answer | None:
        if passage.call.method == "OPTIONS" and not config["run_on_preflight"]:
            return None
        key, several = _key(passage, config)
        row = None if key is None or several else self._store.by_handle(KINDS["keyauth_credentials"], key)
        if row is None:
            return self._anonymous(passage, config, _why_no_key(key, several=several))
        consumer = self._store.get(KINDS["consumers"], row["consumer"]["id"])
        if consumer is not None:
            passage.credential = row
            _identify(passage, consumer, {"x-credential-identifier": row["id"]})
        return None

    def _anonymous(self, passage: Passage, config: dict[str, Any], why: str) -> Answer | None:
        named = config["anonymous"]
        kind = KINDS["consumers"]
        consumer = named and (self._store.get(kind, named) or self._store.by_handle(kind, named))
        if not consumer:
            realm = f' realm="{config["realm"]}"' if config["realm"] else ""
            return Answer(401, {"message": why}, headers={"www-authenticate": f"Key{realm}"})
        _identify(passage, consumer, {"x-anonymous-consumer": "true"})
        return None

    def _acl(self, passage: Passage, config: dict[str, Any]) -> Answer | None:
        if passage.consumer is None:
            return Answer(401, {"message": "Unauthorized"})
        rows = self._store.children(KINDS["acls"], "consumer", passage.consumer["id"])
        groups = [row["group"] for row in rows]
        allowed = bool(set(groups) & set(config["allow"])) if config["allow"] else True
        if not allowed or set(groups) & set(config["deny"] or ()):
            return Answer(403, {"message": "You cannot consume this service"})
        if not config["hide_groups_header"] and groups:
            passage.to_upstream["x-consumer-groups"] = ", ".join(groups)
        return None

    def _rate_limiting(self, passage: Passage, config: dict[str, Any]) -> Answer | None:
        who, where = _counted_by(passage, config), (passage.service or passage.route)["id"]
        periods = [period for period in (*_PERIOD_SECONDS, "month", "year") if config[period] is not None]
        keys = {period: (where, who, period, _window(period, self._now())) for period in periods}
        spent = [period for period in periods if self._counts[keys[period]] >= config[period]]
        if not spent:
            self._counts.update(keys.values())
        left = {period: max(0, int(config[period]) - self._counts[keys[period]]) for period in periods}
        headers = {} if config["hide_client_headers"] else _limit_headers(config, left, self._now())
        if not spent:
            passage.to_client.update(headers)
            return None
        headers["retry-after"] = str(_rest(spent[-1], self._now()))
        return Answer(config["error_code"], {"message": config["error_message"]}, headers=headers)

    def _termination(self, passage: Passage, config: dict[str, Any]) -> Answer | None:
        if config["trigger"] and config["trigger"].lower() not in passage.call.headers:
            return None
        if config["body"] is not None:
            kind = config["content_type"] or "application/json; charset=utf-8"
            return Answer(config["status_code"], text=config["body"], headers={"content-type": kind})
        return Answer(config["status_code"], {"message": config["message"] or "Service unavailable"})


def _identify(passage: Passage, consumer: Row, more: dict[str, str]) -> None:
    passage.consumer = consumer
    said = {"x-consumer-id": "id", "x-consumer-custom-id": "custom_id", "x-consumer-username": "username"}
    passage.to_upstream |= {name: consumer[member] for name, member in said.items() if consumer[member]} | more


def _key(passage: Passage, config: dict[str, Any]) -> tuple[str | None, bool]:
    """The key sent, and whether there was more than one under the same name."""
    pairs = parse_qsl(passage.call.raw_query, keep_blank_values=True)
    for name in config["key_names"]:
        if config["key_in_header"] and name.lower() in passage.call.headers:
            passage.hidden |= {name.lower()} if config["hide_credentials"] else set()
            return passage.call.headers[name.lower()], False
        values = [value for other, value in pairs if other == name] if config["key_in_query"] else []
        if values and config["hide_credentials"]:
            passage.query = urlencode([pair for pair in pairs if pair[0] != name])
        if values:
            return values[0], len(values) > 1
    return None, False


def _why_no_key(key: str | None, *, several: bool) -> str:
    if several:
        return "Duplicate API key found"
    return "Unauthorized" if key else "No API key found in request"


def _counted_by(passage: Passage, config: dict[str, Any]) -> str:
    """By whom a limit is counted; a call without what it asks for is counted by address."""
    found: dict[str, str | None] = {
        "consumer": _id(passage.consumer),
        "credential": _id(passage.credential),
        "service": _id(passage.service),
        "header": passage.call.headers.get((config["header_name"] or "").lower()),
        "path": config["path"] if passage.call.path == config["path"] else None,
    }
    return found.get(config["limit_by"]) or passage.call.client


def _id(row: Row | None) -> str | None:
    return None if row is None else str(row["id"])


def _window(period: str, now: float) -> int:
    if period in _PERIOD_SECONDS:
        return int(now // _PERIOD_SECONDS[period])
    year, month = time.gmtime(now)[:2]
    return year if period == "year" else year * 12 + month


def _rest(period: str, now: float) -> int:
    """Seconds until the period begins anew; months and years are told as days."""
    seconds = _PERIOD_SECONDS.get(period, _PERIOD_SECONDS["day"])
    return max(1, int(seconds - now % seconds))


def _limit_headers(config: dict[str, Any], left: dict[str, int], now: float) -> dict[str, str]:
    """Limit and remainder by period, and those of the period with least left."""
    named = {}
    for period, remaining in left.items():
        named[f"x-ratelimit-limit-{period}"] = str(int(config[period]))
        named[f"x-ratelimit-remaining-{period}"] = str(remaining)
    nearest = min(left, key=lambda period: left[period])
    return {
        **named,
        "ratelimit-limit": str(int(config[nearest])),
        "ratelimit-remaining": str(left[nearest]),
        "ratelimit-reset": str(_rest(nearest, now)),
    }
