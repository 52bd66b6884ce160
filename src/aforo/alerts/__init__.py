"""Tell people: what happened, since when, what it touches. One alert an episode, and one notice when it is over.

The room itself comes on first use, since it brings the database library along.
"""

import importlib
from typing import TYPE_CHECKING, Any

from aforo.alerts.model import Affected, Alert, Delivery, DeliveryState, Kind, Notice, Severity

if TYPE_CHECKING:
    from aforo.alerts.room import AlertsRoom, open_room
    from aforo.alerts.service import Alerts

__all__ = [
    "Affected",
    "Alert",
    "Alerts",
    "AlertsRoom",
    "Delivery",
    "DeliveryState",
    "Kind",
    "Notice",
    "Severity",
    "open_room",
]

_LATER = {"Alerts": "service", "AlertsRoom": "room", "open_room": "room"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
