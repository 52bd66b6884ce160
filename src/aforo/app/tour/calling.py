"""Lets the tour's customers call through the gateways, with keys that were issued for it."""

import json
from collections import Counter
from dataclasses import dataclass, field

import httpx2

from aforo.app.tour.sample import CALLS_A_CUSTOMER, SALES, Sale
from aforo.app.tour.shop import Shop, Site, all_sites, answering
from aforo.app.wiring import Rooms
from aforo.credentials.model import CredentialState
from aforo.customers.model import Subscription
from aforo.jobs import Report
from aforo.kit.errors import Conflict

_PATIENCE_SECONDS = 30.0
_EDGE_LOOKS_SECONDS = 0.6
"""The edge looks at the records at least so often; a gateway that asks sooner keeps a refusal for a second."""


class ShopClosed(Conflict):
    """Nobody can call before there is something to call and somebody who may."""

    code = "tour_not_set_up"


@dataclass
class Outcome:
    """What became of one customer's calls. `answers` counts them by gateway and status; the rest is as last heard."""

    sale: Sale
    subscription_id: str
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    remaining: str = ""
    refusal: str = ""

    @property
    def sent(self) -> int:
        return self.answers.total()

    def passed(self, gateway: str | None = None) -> int:
        return sum(n for (at, status), n in self.answers.items() if status < 400 and gateway in (None, at))

    def refused(self, gateway: str | None = None) -> int:
        return sum(n for (at, status), n in self.answers.items() if status >= 400 and gateway in (None, at))


class Callers:
    """The keys of the tour's customers are held in this process alone; one that was lost is replaced by a new one."""

    def __init__(self, rooms: Rooms, shop: Shop) -> None:
        self._rooms = rooms
        self._shop = shop
        self._keys: dict[str, dict[str | None, str]] = {}

    async def call(self, tenant_id: str, report: Report) -> list[Outcome]:
        """Every customer calls, from one gateway to the next in turn. Raises NoEmulatedGateways, ShopClosed."""
        found = await all_sites(self._rooms, tenant_id)
        if not await self._shop.is_open(tenant_id):
            raise ShopClosed("The shop is not set up yet.", next_step="Set it up first, on /tour.")
        subscriptions = await self._shop.subscriptions(tenant_id)
        outcomes = [Outcome(sale, subscriptions[sale.key].id) for sale in SALES]
        about = CALLS_A_CUSTOMER * len(outcomes)
        report(0, about, "calls")
        keys = {key: await self._keys_of(tenant_id, one) for key, one in subscriptions.items()}
        await self._rooms.clock.sleep(_EDGE_LOOKS_SECONDS)
        async with httpx2.AsyncClient(trust_env=False, timeout=_PATIENCE_SECONDS) as http:
            for outcome in outcomes:
                for number in range(CALLS_A_CUSTOMER):
                    report(sum(one.sent for one in outcomes), about, "calls")
                    await _once(http, found[number % len(found)], keys[outcome.sale.key], outcome)
        report(about, about, "calls")
        return outcomes

    async def _keys_of(self, tenant_id: str, subscription: Subscription) -> dict[str | None, str]:
        """By integration. A key is shown once, so whoever does not hold it any more has it replaced."""
        if kept := self._keys.get(subscription.id):
            return kept
        room = self._rooms.credentials.credentials
        for known in await room.of(tenant_id, subscription.id):
            if known.state is not CredentialState.REVOKED:
                await room.revoke(tenant_id, known.id)
        issued = await room.issue(tenant_id, subscription.id)
        self._keys[subscription.id] = {one.integration_id: one.secret for one in issued.secrets}
        return self._keys[subscription.id]


async def _once(http: httpx2.AsyncClient, site: Site, keys: dict[str | None, str], outcome: Outcome) -> None:
    key = keys.get(site.integration.id) or keys.get(None, "")
    with answering(site):
        answer = await http.get(site.base + site.place.path, headers={site.place.header: key})
    outcome.answers[site.place.gateway, answer.status_code] += 1
    if answer.status_code < 400:
        outcome.remaining = answer.headers.get("X-Aforo-Remaining", outcome.remaining)
    else:
        outcome.refusal = f"{answer.status_code} {_message(answer)}"


def _message(answer: httpx2.Response) -> str:
    """What the refusal says to its caller, in Kong's or Apigee's shape."""
    try:
        told = json.loads(answer.text)
    except ValueError:
        return answer.text[:200]
    for member in ("message", "detail", "error"):
        if isinstance(told, dict) and isinstance(told.get(member), str):
            return str(told[member])
    return answer.text[:200]
