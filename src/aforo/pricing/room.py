"""The room's parts, joined."""

from aforo.catalog import Vault
from aforo.customers import CustomersRoom
from aforo.integrations import Integrations
from aforo.kit.clock import Clock
from aforo.kit.db import Database
from aforo.pricing.service.pricing import OnSync, Pricing, Turn, tell_nobody
from aforo.pricing.service.wishes import LiveCredentials, SellableAt, Wishes
from aforo.pricing.sql import PricingStore


def open_room(
    db: Database,
    vault: Vault,
    integrations: Integrations,
    customers: CustomersRoom,
    sellable: SellableAt,
    live_credentials: LiveCredentials,
    turn: Turn,
    clock: Clock,
    on_sync: OnSync = tell_nobody,
) -> Pricing:
    """The room on the records; `sellable` comes from the catalog, `turn` is the catalog's lock of an integration, and
    `on_sync` hears of every sync that has written something.
    """
    store = PricingStore(db, vault)
    wishes = Wishes(store, customers, sellable, live_credentials)
    return Pricing(store, wishes, integrations, turn, clock, on_sync)
