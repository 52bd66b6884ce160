"""Examples of the alerts room's schemas."""

from typing import Any, Final

_AT: Final = "2026-11-22T14:05:12.000Z"
_CHANNEL: Final = {
    "id": "chan_01k9q3",
    "kind": "webhook",
    "name": "on-call",
    "address": "https://hooks.example/••••",
    "kinds": ["drift", "health"],
    "minSeverity": "WARNING",
    "paused": None,
    "createdAt": _AT,
}
_DELIVERY: Final = {
    "id": "dlv_01k9q3",
    "channelId": "chan_01k9q3",
    "channelName": "on-call",
    "event": "raised",
    "state": "DELIVERED",
    "createdAt": _AT,
    "endedAt": _AT,
    "nextAttemptAt": None,
    "answer": "204",
    "replayOf": None,
    "attempts": [{"number": 1, "at": _AT, "ok": True, "answer": "204", "tookMs": 41.2}],
}
_ALERT: Final = {
    "id": "alrt_01k9q3",
    "kind": "drift",
    "severity": "WARNING",
    "title": "payments-v2 differs at kong-prod from its record",
    "detail": "1 field differs, not changed through Aforo: /plugin/rate-limiting@payments-v2/config/minute.",
    "subject": {"id": "prod_01k9q3", "name": "payments-v2"},
    "affects": {"subscriptions": 41, "credentials": 57, "monthlyRevenue": "4120.00", "currency": "EUR"},
    "since": _AT,
    "raisedAt": _AT,
    "endedAt": None,
    "resolution": None,
    "url": "https://aforo.example/products/prod_01k9q3",
}

ALERT_EXAMPLES: Final[dict[str, Any]] = {
    "AddedChannelView": _CHANNEL | {"secret": "whsec_n0tARealSecretButTheShapeOfOne00"},
    "ChannelPatch": {"kinds": [], "minSeverity": "INFO"},
    "ChannelView": _CHANNEL,
    "DeliveryView": _DELIVERY,
    "NewChannel": {"kind": "webhook", "name": "on-call", "url": "https://hooks.example/aforo", "kinds": ["drift"]},
    "Page_AlertView_": {"data": [_ALERT], "nextCursor": None},
    "Page_ChannelView_": {"data": [_CHANNEL], "nextCursor": None},
    "Replay": {"deliveryId": "dlv_01k9q3"},
    "ToldAlertView": _ALERT | {"deliveries": [_DELIVERY]},
}
"""By schema, as `aforo.app.examples` has them."""
