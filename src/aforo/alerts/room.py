"""The room's parts, joined."""

import asyncio
from dataclasses import dataclass

from aforo.alerts.sending import Sender
from aforo.alerts.service import Alerts, Channels, Deliverer
from aforo.alerts.sql import AlertStore, ChannelStore, DeliveryStore
from aforo.alerts.sql.record import Record
from aforo.alerts.vault import AddressVault
from aforo.kit.clock import Clock
from aforo.kit.db import Database
from aforo.kit.secretbox import SecretBox


@dataclass(frozen=True, slots=True)
class AlertsRoom:
    """Who is told what, and whether it arrived."""

    alerts: Alerts
    channels: Channels
    deliverer: Deliverer

    def start(self) -> "asyncio.Task[None]":
        """The worker, until it is cancelled."""
        return asyncio.create_task(self.deliverer.run(), name="alerts")


def open_room(db: Database, box: SecretBox, clock: Clock, base_url: str, *, allow_private: bool) -> AlertsRoom:
    """`base_url` is how people's browsers reach Aforo; `allow_private`: whether channels may lead to private hosts."""
    vault, sender = AddressVault(box), Sender(clock, allow_private=allow_private)
    channels, deliveries = ChannelStore(db), DeliveryStore(db)
    deliverer = Deliverer(channels, deliveries, vault, sender, sender.not_understood, clock)
    alerts = Alerts(Record(db), AlertStore(db), deliveries, deliverer, base_url, clock)
    return AlertsRoom(alerts, Channels(channels, deliveries, vault, deliverer, base_url, clock), deliverer)
