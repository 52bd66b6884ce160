"""The routes that gateways ask before a call, and tell of it afterwards."""

import ipaddress
from collections.abc import Sequence
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

import msgspec

from aforo.accounts import Caller, Scope
from aforo.app.edge.answers import Answer
from aforo.app.edge.door import EdgeDoor
from aforo.app.edge.handlers import Served
from aforo.app.edge.head import Body, Head
from aforo.enforcement import Enforcement, Log, answering, asking
from aforo.enforcement.margin_check import quick_check
from aforo.enforcement.rules.decide import Reason
from aforo.enforcement.rules.resolve import Asked
from aforo.enforcement.service.checks import Call
from aforo.enforcement.service.parts import Who
from aforo.enforcement.wire import BatchAnswer, ChangesAnswer, ChangeShown, CheckAnswer, SettleAnswer
from aforo.kit.errors import Invalid, NotFound

LONGEST_POLL_SECONDS: Final = 25.0
Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]


class Decided(Protocol):
    """Counts decisions."""

    def __call__(self, reason: Reason, *, denied: bool) -> None: ...


_JSON: Final = [(b"content-type", b"application/json")]
_encode: Final = msgspec.json.Encoder().encode


class CheckRoutes:
    """`margin_networks` may ask for margins without a key; nobody may unless the operator names them."""

    def __init__(
        self, door: EdgeDoor, enforcement: Enforcement, margin_networks: Networks = (), decided: Decided | None = None
    ) -> None:
        self._decided = decided
        self._door = door
        self._room = enforcement
        self._margin_networks = margin_networks

    def served(self) -> list[Served]:
        return [
            Served("POST", "/v1/check", self.check),
            Served("POST", "/v1/check/batch", self.batch),
            Served("POST", "/v1/leases", self.lease),
            Served("POST", "/v1/leases/{id}/settle", self.settle_lease),
            Served("POST", "/v1/decisions/{id}/settle", self.settle_decision),
            Served("GET", "/v1/changes", self.changes),
            Served("GET", "/v1/check/{tenantId}", self.check_of_tenant),
            Served("POST", "/api/v1/quota/check", self.quota_check),
            Served("GET", "/internal/v1/margin-guard/quick-check", self.margin),
        ]

    async def check(self, head: Head, body: Body) -> Answer:
        who = self._who(head)
        return _json(await self._checked(who, asking.check(await body(), who)))

    async def batch(self, head: Head, body: Body) -> Answer:
        who = self._who(head)
        calls = asking.batch(await body(), who)
        return _json(BatchAnswer([await self._checked(who, call) for call in calls]))

    async def lease(self, head: Head, body: Body) -> Answer:
        who = self._who(head)
        call, wanted = asking.lease(await body(), who)
        outcome, lease = await self._room.leasing.lease(who, call, wanted)
        key = self._room.parts.key
        if lease is None:
            return _json(answering.check_answer(outcome, who.tenant_id, key))
        shown = answering.lease_answer(lease, outcome, self._room.leasing.shares(lease))
        return _json(answering.check_answer(outcome, who.tenant_id, key, shown, lease.state.units))

    async def settle_lease(self, head: Head, body: Body) -> Answer:
        who, lease_id = self._who(head), head.path.split("/")[3]
        used, final = asking.settle(await body())
        moved = await self._room.leasing.settle(who, lease_id, used, final=final)
        return _json(SettleAnswer(lease_id, answering.number(used), moved))

    async def settle_decision(self, head: Head, body: Body) -> Answer:
        who, token = self._who(head), head.path.split("/")[3]
        used, _ = asking.settle(await body())
        moved = await self._room.settling.decision(who, token, used)
        return _json(SettleAnswer(token, answering.number(used), moved))

    async def changes(self, head: Head, _: Body) -> Answer:
        """At once when there is something to tell, else as soon as there is, at the latest after the wait."""
        who, query = self._who(head), _query(head)
        since = _whole(query, "since")
        seconds = min(_whole(query, "wait") or LONGEST_POLL_SECONDS, LONGEST_POLL_SECONDS)
        feed = self._room.changes
        found = feed.since(who.tenant_id, since)
        if since is not None and not found:
            await feed.wait(who.tenant_id, seconds)
            found = feed.since(who.tenant_id, since)
        return _json(ChangesAnswer(feed.version, [ChangeShown(*change) for change in found]))

    async def check_of_tenant(self, head: Head, _: Body) -> Answer:
        """The customer is the key's, or named in the query; never taken from a header."""
        caller = self._caller(head)
        if not caller.is_tenant(head.path.split("/")[3]):
            raise NotFound("There is no such tenant.", next_step="Name the key's own tenant.")
        who = _who(caller)
        customer = who.customer_only or _query(head).get("customerId")
        asked = Asked(None, customer, head.headers.get("x-product-id") or None, asking.API_CALLS, who.customer_only)
        return _json(await self._checked(who, Call(asked, 10**9, None, reserves=False)))

    async def quota_check(self, head: Head, body: Body) -> Answer:
        who = self._who(head)
        call = asking.quota_check(await body(), who)
        return _json(answering.quota_check_answer(await self._room.checks.check(who, call)))

    async def margin(self, head: Head, _: Body) -> Answer:
        """Asked without a key, so it is there for named networks only, and for nobody else to be seen."""
        if not self._opens_margins_to(head.address):
            raise NotFound("There is nothing at this path of the edge.")
        query = _query(head)
        kind, ref = query.get("scopeType", "CUSTOMER"), query.get("scopeId", "")
        return _json(quick_check(self._room.parts, query.get("tenantId", ""), Log.LIVE, kind, ref))

    async def _checked(self, who: Who, call: Call) -> CheckAnswer:
        outcome = await self._room.checks.check(who, call)
        if self._decided is not None:
            self._decided(outcome.verdict.reason, denied=outcome.denied)
        return answering.check_answer(outcome, who.tenant_id, self._room.parts.key)

    def _caller(self, head: Head) -> Caller:
        return self._door.caller(head, Scope.ENTITLEMENTS_CHECK)

    def _who(self, head: Head) -> Who:
        return _who(self._door.caller(head, Scope.ENTITLEMENTS_CHECK))

    def _opens_margins_to(self, address: str | None) -> bool:
        try:
            return address is not None and any(ipaddress.ip_address(address) in one for one in self._margin_networks)
        except ValueError:
            return False


def _who(caller: Caller) -> Who:
    return Who(caller.tenant_id, Log.TEST if caller.test else Log.LIVE, caller.customer_id)


def _json(value: Any) -> Answer:
    return Answer(200, _JSON, _encode(value))


def _query(head: Head) -> dict[str, str]:
    found = parse_qs(head.query.decode("latin-1"), max_num_fields=50) if head.query else {}
    return {name: values[-1] for name, values in found.items()}


def _whole(query: dict[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid("This request cannot be answered.", ((f"/{name}", "a whole number is needed"),))
    return int(text)
