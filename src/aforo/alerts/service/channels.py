"""Channels: where people are reached. Addresses are sealed, and leave this room only towards their receiver."""

import base64
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from aforo.alerts.model import Address, Channel, ChannelKind, Delivery, DeliveryState, Event, Kind, Severity
from aforo.alerts.rules import addresses, message
from aforo.alerts.service.deliverer import Deliverer
from aforo.alerts.sql import ChannelStore, DeliveryStore
from aforo.alerts.vault import AddressVault
from aforo.kit.clock import Clock
from aforo.kit.errors import Invalid, NotFound
from aforo.kit.ids import new_id

_LONGEST_NAME = 100
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Added:
    """A new channel. `secret` is what its webhooks are signed with, if Aforo made it: it is shown this once."""

    channel: Channel
    secret: str | None = field(default=None, repr=False)


class Channels:
    """A tenant's channels."""

    def __init__(
        self,
        store: ChannelStore,
        deliveries: DeliveryStore,
        vault: AddressVault,
        deliverer: Deliverer,
        base_url: str,
        clock: Clock,
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._vault = vault
        self._deliverer = deliverer
        self._base_url = base_url
        self._clock = clock

    async def all(self, tenant_id: str) -> list[Channel]:
        """By name."""
        return await self._store.all(tenant_id)

    async def one(self, tenant_id: str, channel_id: str) -> Channel:
        found = await self._store.one(tenant_id, channel_id)
        if found is None:
            raise NotFound(f"There is no channel {channel_id}.", next_step="List them: GET /api/v1/alerts/channels.")
        return found

    async def add(
        self,
        tenant_id: str,
        kind: ChannelKind,
        name: str,
        url: str,
        *,
        secret: str | None = None,
        kinds: Collection[Kind] = (),
        min_severity: Severity = Severity.INFO,
    ) -> Added:
        """Raises Invalid, ChannelNameTaken or TooManyChannels. Nothing is sent yet."""
        made = None
        if kind is ChannelKind.WEBHOOK and secret is None:
            secret = made = f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
        address = Address(url.strip(), secret)
        channel = Channel(
            id=new_id("chan"),
            tenant_id=tenant_id,
            kind=kind,
            name=_named(name),
            hint="",
            kinds=frozenset(kinds),
            min_severity=min_severity,
            created_at=self._clock.now(),
        )
        channel = await self._leading(channel, address)
        await self._store.add(channel)
        return Added(channel, made)

    async def change(
        self,
        tenant_id: str,
        channel_id: str,
        *,
        name: str | None = None,
        url: str | None = None,
        secret: str | None = None,
        kinds: Collection[Kind] | None = None,
        min_severity: Severity | None = None,
    ) -> Channel:
        """What is left out stays. A new address, or a new secret, ends a pause."""
        known = await self.one(tenant_id, channel_id)
        after = replace(
            known,
            name=known.name if name is None else _named(name),
            kinds=known.kinds if kinds is None else frozenset(kinds),
            min_severity=min_severity or known.min_severity,
        )
        if url is not None or secret is not None:
            before = self._vault.open(known)
            address = Address(before.url if url is None else url.strip(), secret or before.secret)
            after = await self._leading(replace(after, paused=None), address)
        await self._store.replace(after)
        self._deliverer.wake()
        return after

    async def remove(self, tenant_id: str, channel_id: str) -> Channel:
        """Its address is forgotten; what was told through it stays on record."""
        known = await self.one(tenant_id, channel_id)
        await self._store.remove(channel_id, self._clock.now())
        return known

    async def test(self, tenant_id: str, channel_id: str) -> Delivery:
        """Send a test message now, once. It is DELIVERED or FAILED, or PENDING while the receiver takes its time."""
        channel = await self.one(tenant_id, channel_id)
        now = self._clock.now()
        delivery = Delivery(
            id=new_id("dlv"),
            tenant_id=tenant_id,
            channel_id=channel.id,
            channel_name=channel.name,
            alert_id=None,
            event=Event.TEST,
            state=DeliveryState.PENDING,
            attempts=0,
            due_at=now,
            created_at=now,
            payload=message.test_payload(channel.id, channel.name, self._base_url, now),
        )
        return await self._deliverer.send_now(delivery)

    async def latest(self, tenant_id: str, channel_id: str) -> Delivery | None:
        """The last delivery that ended."""
        return await self._deliveries.latest(tenant_id, channel_id)

    async def _leading(self, channel: Channel, address: Address) -> Channel:
        addresses.check(channel.kind, address)
        if channel.kind is ChannelKind.BROAD and (fault := await self._deliverer.not_understood(address.url)):
            raise Invalid("This address cannot be used.", (("/url", fault),), next_step="Correct the address.")
        hint = addresses.hint(channel.kind, address.url)
        return self._vault.sealed(replace(channel, hint=hint), address)


def _named(name: str) -> str:
    clean = name.strip()
    if not 1 <= len(clean) <= _LONGEST_NAME or not clean.isprintable():
        fault = f"1 to {_LONGEST_NAME} printable characters"
        raise Invalid("This name cannot be used.", (("/name", fault),), next_step="Choose another name.")
    return clean
