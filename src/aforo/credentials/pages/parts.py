"""What the pages of this room are given, and what they share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aforo.accounts import Accounts, Caller, VisitorFor
from aforo.credentials.model import Credential
from aforo.credentials.room import CredentialsRoom
from aforo.credentials.rules.places import Where, hint_of, last_used, whereabouts
from aforo.customers import Plan, Subscription
from aforo.integrations import Integration, Integrations
from aforo.jobs import Jobs
from aforo.kit.clock import Clock
from aforo.kit.errors import NotFound
from aforo.kit.jsontree import JsonObject
from aforo.kit.pages import PageRender


@dataclass(frozen=True, slots=True)
class Parts:
    room: CredentialsRoom
    accounts: Accounts
    jobs: Jobs
    integrations: Integrations
    clock: Clock
    visitor: VisitorFor
    render: PageRender

    async def note(self, who: Caller, action: str, subject: str, detail: JsonObject | None = None) -> None:
        await self.accounts.note(who.tenant_id, who.actor_id, action, subject, dict(detail or {}))

    async def gateways(self, tenant_id: str) -> Mapping[str, Integration]:
        """By id. What stood at a removed one is told by its id alone."""
        return {one.id: one for one in await self.integrations.all(tenant_id)}


@dataclass(frozen=True, slots=True)
class Held:
    """A credential with its surroundings; `siblings` are all of its subscription's."""

    one: Credential
    subscription: Subscription
    status: str
    plan: Plan
    customer_name: str
    siblings: list[Credential]
    wheres: list[Where]

    @property
    def hint(self) -> str | None:
        return hint_of(self.one)

    @property
    def last_used(self) -> datetime | None:
        return last_used(self.one)

    @property
    def working(self) -> int:
        return sum(where.is_as_wanted for where in self.wheres)


async def held(parts: Parts, tenant_id: str, found: list[Credential]) -> list[Held]:
    """Each credential with its surroundings; those of one subscription are looked up once."""
    around: dict[str, list[Held]] = {}
    for one in found:
        if one.subscription_id not in around:
            around[one.subscription_id] = await of_subscription(parts, tenant_id, one.subscription_id)
    by_id = {one.one.id: one for several in around.values() for one in several}
    return [by_id[one.id] for one in found]


async def of_subscription(parts: Parts, tenant_id: str, subscription_id: str) -> list[Held]:
    """Its credentials, oldest first."""
    customers, now = parts.room.customers, parts.clock.now()
    placed = await customers.subscriptions.one(tenant_id, subscription_id)
    subscription = placed.subscription
    plan = await customers.plans.one(tenant_id, subscription.plan_id, subscription.plan_version)
    name = await _customer_name(parts, tenant_id, subscription.customer_id)
    siblings = await parts.room.credentials.of(tenant_id, subscription_id)
    return [
        Held(
            one,
            subscription,
            placed.status.value,
            plan,
            name,
            siblings,
            whereabouts(one, siblings, placed.gateways, now),
        )
        for one in siblings
    ]


async def _customer_name(parts: Parts, tenant_id: str, customer_id: str) -> str:
    """A customer that was removed keeps its id on what it had bought."""
    try:
        return (await parts.room.customers.customers.one(tenant_id, customer_id)).name
    except NotFound:
        return customer_id
