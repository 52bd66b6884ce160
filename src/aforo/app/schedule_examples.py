"""Examples of schedules and of what belongs to an integration's health."""

from typing import Any, Final

_AT: Final = "2026-11-22T14:05:12.000Z"
_SCHEDULE: Final = {
    "id": "sched_01k9q3",
    "kind": "drift",
    "title": "Drift scan",
    "integrationId": "int_01k9q3",
    "subject": "kong-prod",
    "enabled": True,
    "everySeconds": 900,
    "defaultSeconds": 900,
    "jitter": 0.05,
    "state": "WAITING",
    "nextAt": "2026-11-22T14:20:01.250Z",
    "last": {
        "startedAt": _AT,
        "endedAt": "2026-11-22T14:05:13.200Z",
        "tookMs": 1200.0,
        "result": "DONE",
        "words": "12 of 12 products compared, 1 differs, 1 newly noticed.",
        "error": None,
    },
}

SCHEDULE_EXAMPLES: Final[dict[str, Any]] = {
    "BreakerReset": {"reason": "Kong was restarted"},
    "HealthView": {
        "health": "HEALTHY",
        "consecutiveFailures": 0,
        "lastOkAt": _AT,
        "lastFailedAt": None,
        "lastErrorCode": None,
        "lastError": None,
        "history": [{"at": _AT, "health": "HEALTHY", "tookMs": 41.0, "errorCode": None, "detail": None}],
        "day": ["NONE"] * 95 + ["HEALTHY"],
        "dayEndsAt": _AT,
        "summary": "100.0 % healthy, 95 of 96 intervals without a call.",
        "episodes": [],
    },
    "NewPause": {"until": "2026-11-22T18:00:00.000Z", "reason": "Kong is upgraded"},
    "Page_ScheduleView_": {"data": [_SCHEDULE], "nextCursor": None},
    "SchedulePatch": {"everySeconds": 300},
    "ScheduleView": _SCHEDULE,
}
"""By schema, as `aforo.app.examples` has them."""
