"""What the room does: take alerts in, keep channels, deliver."""

from aforo.alerts.service.alerts import Alerts
from aforo.alerts.service.channels import Channels
from aforo.alerts.service.deliverer import Deliverer

__all__ = ["Alerts", "Channels", "Deliverer"]
