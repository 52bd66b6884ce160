"""Credentials as an operator asks for them: issue, rotate, suspend, reactivate, revoke, re-scope."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from aforo.credentials.errors import CredentialStateConflict
from aforo.credentials.model import Credential, CredentialState, Issued, Mode, Shown, Stuck
from aforo.credentials.service.driver import Driver
from aforo.credentials.service.seating import Shelf, Stores, hint
from aforo.credentials.vault import Secrets, sha256
from aforo.customers import CustomersRoom, State
from aforo.kit.clock import Clock
from aforo.kit.errors import Invalid, NotFound
from aforo.kit.ids import new_id

GRACE_SECONDS: Final = 300
"""How long a rotated credential still works unless told otherwise."""


async def tell_nobody(tenant_id: str) -> None:
    """Where nobody is told."""
    del tenant_id


@dataclass(frozen=True, slots=True)
class Around:
    """The parts that credentials are joined with. `changed` hears, by tenant, of rotations and revocations."""

    customers: CustomersRoom
    shelf: Shelf
    secrets: Secrets
    driver: Driver
    changed: Callable[[str], Awaitable[None]] = tell_nobody


class Credentials:
    """A tenant's credentials. What an answer does not show as observed yet is under way."""

    def __init__(self, stores: Stores, around: Around, clock: Clock) -> None:
        self._stores = stores
        self._customers = around.customers
        self._shelf = around.shelf
        self._secrets = around.secrets
        self._driver = around.driver
        self._changed = around.changed
        self._clock = clock

    async def of(self, tenant_id: str, subscription_id: str) -> list[Credential]:
        """Oldest first."""
        await self._customers.subscriptions.one(tenant_id, subscription_id)
        return await self._stores.credentials.of(subscription_id)

    async def page(
        self,
        tenant_id: str,
        *,
        subscription_id: str | None = None,
        states: Collection[CredentialState] = (),
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[Credential], str | None]:
        """Newest first, and the cursor of the next page."""
        found = await self._stores.credentials.page(
            tenant_id, subscription_id=subscription_id, states=states, before=cursor, limit=limit + 1
        )
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def live_counts(self, tenant_id: str) -> Mapping[str, int]:
        """How many live credentials each subscription has."""
        return await self._stores.credentials.live_counts(tenant_id)

    async def at(self, tenant_id: str, integration_id: str) -> list[Credential]:
        """Whatever is not revoked and stands at a gateway."""
        return await self._stores.credentials.at(tenant_id, integration_id)

    async def turned(self, tenant_id: str, since: datetime) -> list[Credential]:
        """Those revoked, or made in place of another, since then."""
        return await self._stores.credentials.turned(tenant_id, since)

    async def stuck(self, tenant_id: str, attempts: int) -> list[Stuck]:
        """Seats at gateways that failed so often in a row."""
        return await self._driver.stuck(tenant_id, attempts)

    async def one(self, tenant_id: str, credential_id: str) -> Credential:
        found = await self._stores.credentials.one(tenant_id, credential_id)
        if found is None:
            raise NotFound(
                f"There is no credential {credential_id}.",
                next_step="List them: GET /api/v1/subscriptions/{id}/credentials.",
            )
        return found

    async def issue(self, tenant_id: str, subscription_id: str, mode: Mode | None = None) -> Issued:
        """A new credential at every gateway of the subscription. Raises CredentialStateConflict when that has ended."""
        placed = await self._customers.subscriptions.one(tenant_id, subscription_id)
        if placed.status is State.CANCELLED:
            raise CredentialStateConflict("This subscription is cancelled.", next_step="Subscribe anew.")
        made, secret = self._new(tenant_id, subscription_id, mode or Mode(placed.subscription.mode.value))
        await self._stores.record.issued(made, replaced=None, now=made.created_at)
        return await self._settled(made, secret)

    async def rotate(self, tenant_id: str, credential_id: str, grace_seconds: int = GRACE_SECONDS) -> Issued:
        """A successor. At each gateway the old one works for `grace_seconds` more, once the new one works there."""
        old = await self.one(tenant_id, credential_id)
        made, secret = self._new(tenant_id, old.subscription_id, old.mode, replaces=old.id)
        until = made.created_at + timedelta(seconds=grace_seconds)
        ending = replace(old, state=CredentialState.GRACE, grace_until=until)
        if not await self._stores.record.issued(made, replaced=ending, now=made.created_at):
            raise _refused(await self.one(tenant_id, credential_id), "rotated", {CredentialState.ACTIVE})
        return await self._settled(made, secret)

    async def suspend(self, tenant_id: str, credential_id: str) -> Credential:
        """Until it is reactivated."""
        return await self._move(tenant_id, credential_id, CredentialState.SUSPENDED, {CredentialState.ACTIVE})

    async def reactivate(self, tenant_id: str, credential_id: str) -> Credential:
        return await self._move(tenant_id, credential_id, CredentialState.ACTIVE, {CredentialState.SUSPENDED})

    async def revoke(self, tenant_id: str, credential_id: str) -> Credential:
        """For good. Aforo's own decisions refuse it at once; the answer shows which gateways have let go of it."""
        return await self._move(tenant_id, credential_id, CredentialState.REVOKED, _NOT_REVOKED)

    async def scope(self, tenant_id: str, credential_id: str, product_ids: Collection[str]) -> Credential:
        """Of its plan, open these products alone. The scope is the application's, so all keys of the subscription share
        it. Products that a later plan adds are open.
        """
        known = await self.one(tenant_id, credential_id)
        placed = await self._customers.subscriptions.one(tenant_id, known.subscription_id)
        plan = await self._customers.plans.one(tenant_id, placed.subscription.plan_id, placed.subscription.plan_version)
        sold = await self._shelf.sold(tenant_id, plan.terms.product_ids)
        strange = sorted(set(product_ids) - sold.keys())
        if strange:
            raise Invalid(
                "A credential opens products of its subscription's plan alone.",
                tuple(("/productIds", f"{one} is not in the plan {plan.key}") for one in strange),
            )
        left_out: dict[str, list[str]] = {one.integration_id: [] for one in sold.values()}
        for product_id, one in sold.items():
            if product_id not in product_ids:
                left_out[one.integration_id].append(product_id)
        await self._stores.record.scoped(known, left_out, self._clock.now())
        await self._changed(tenant_id)
        await self._driver.settle(tenant_id, known.subscription_id)
        return await self.one(tenant_id, credential_id)

    async def show(self, tenant_id: str, credential_id: str) -> Issued:
        """Secrets that gateways made after the answer was sent; each is shown once."""
        found = await self.one(tenant_id, credential_id)
        return Issued(found, await self._unshown(found))

    def _new(
        self, tenant_id: str, subscription_id: str, mode: Mode, replaces: str | None = None
    ) -> tuple[Credential, str | None]:
        made = Credential(
            id=new_id("cred"),
            tenant_id=tenant_id,
            subscription_id=subscription_id,
            mode=mode,
            state=CredentialState.ACTIVE,
            created_at=self._clock.now(),
            replaces=replaces,
        )
        if mode is Mode.GATEWAY_GENERATED:
            return made, None
        secret = self._secrets.make()
        sealed = self._secrets.seal(made, secret)
        return replace(made, sealed=sealed, key_sha256=sha256(secret), hint=hint(secret)), secret

    async def _settled(self, made: Credential, secret: str | None) -> Issued:
        await self._driver.settle(made.tenant_id, made.subscription_id)
        await self._changed(made.tenant_id)
        found = await self.one(made.tenant_id, made.id)
        everywhere = (Shown(None, secret),) if secret else ()
        return Issued(found, (*everywhere, *await self._unshown(found)))

    async def _unshown(self, found: Credential) -> tuple[Shown, ...]:
        shown = []
        for place in found.places:
            if place.sealed:
                secret = self._secrets.open_place(found, place.integration_id, place.sealed)
                if await self._stores.record.shown(found.id, place.integration_id):
                    shown.append(Shown(place.integration_id, secret))
        return tuple(shown)

    async def _move(
        self, tenant_id: str, credential_id: str, state: CredentialState, allowed: Collection[CredentialState]
    ) -> Credential:
        """What is so already stays as it is, and is brought to the gateways again."""
        known = await self.one(tenant_id, credential_id)
        now = self._clock.now()
        wanted = replace(known, state=state)
        if state is CredentialState.REVOKED:
            wanted = replace(wanted, sealed=None, revoked_at=known.revoked_at or now)
        if not await self._stores.record.changed(wanted, {*allowed, state}, now):
            raise _refused(await self.one(tenant_id, credential_id), state.value.lower(), allowed)
        await self._changed(tenant_id)
        await self._driver.settle(tenant_id, known.subscription_id)
        return await self.one(tenant_id, credential_id)


_NOT_REVOKED: Final = frozenset({CredentialState.ACTIVE, CredentialState.GRACE, CredentialState.SUSPENDED})


def _refused(found: Credential, verb: str, allowed: Collection[CredentialState]) -> CredentialStateConflict:
    possible = " or ".join(sorted(allowed))
    return CredentialStateConflict(
        f"A credential that is {found.state} cannot be {verb}.", next_step=f"It would have to be {possible}."
    )
