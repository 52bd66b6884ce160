"""The room's rows in records.db."""

from aforo.alerts.sql.alerts import AlertStore
from aforo.alerts.sql.channels import ChannelStore
from aforo.alerts.sql.deliveries import DeliveryStore

__all__ = ["AlertStore", "ChannelStore", "DeliveryStore"]
